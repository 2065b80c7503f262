//! SERVICE in every form that other ends write, and what it is answered with: the channels that it was applied to, in the
//! form that was used, under the discriminator of the request. What is not understood is never answered.
//!
//! Clauses: maintenance forms, SERVICE

use crate::common::Alone;
use crate::service_support::*;
use isdn::q921;
use isdn::{Config, Event, FarState, Side, Switch};

/// What the D channel sends in answer, octet for octet.
fn answers(alone: &mut Alone, message: &[u8]) -> Vec<Vec<u8>> {
    alone.far.send(alone.now, message).expect("up");
    let mut answers = Vec::new();
    loop {
        let mut silent = true;
        while let Some(q921::Output::Transmit(frame)) = alone.far.poll_output() {
            silent = false;
            alone.d.handle_frame(alone.now, frame);
        }
        while let Some(output) = alone.d.poll_output() {
            silent = false;
            match output {
                isdn::Output::Frame(_, frame) => {
                    if frame[2] & 1 == 0 {
                        answers.push(frame[4..].to_vec());
                    }
                    alone.far.handle_frame(alone.now, frame);
                }
                isdn::Output::Event(event) => alone.events.push(event),
            }
        }
        while let Some(output) = alone.far.poll_output() {
            silent = false;
            if let q921::Output::Transmit(frame) = output {
                alone.d.handle_frame(alone.now, frame);
            }
        }
        if silent {
            return answers;
        }
    }
}

fn out_of_service(events: &[Event]) -> u32 {
    let bit = |event: &Event| match event {
        Event::FarChanged { channel, state: FarState::OutOfService } => 1 << (channel.timeslot - 1),
        other => panic!("{other:?}"),
    };
    events.iter().map(bit).sum()
}

/// Request elements, what is applied, and the elements of the answer if they differ.
type Case<'a> = (&'a [u8], u32, Option<&'a [u8]>);

fn check(e1: bool, cases: &[Case]) {
    for (elements, channels, answered) in cases {
        for (request, reply) in [
            ([0x03, 2, 0x00, 0, 0x0f], [0x03, 2, 0x80, 0, 0x07]),
            ([0x43, 2, 0x00, 0, 0x07], [0x43, 2, 0x80, 0, 0x0f]),
            // The types the other way round.
            ([0x43, 2, 0x00, 0, 0x0f], [0x43, 2, 0x80, 0, 0x07]),
        ] {
            for switch in [Switch::Ess5, Switch::Ni2] {
                let config = Config::new(Side::User, switch, e1).with_service_messages().expect("has SERVICE");
                let mut alone = Alone::up_with(config);
                let said = answers(&mut alone, &[&request[..], &[1, 1, 0xc2], elements].concat());
                let expected = [&reply[..], &[1, 1, 0xc2], answered.unwrap_or(elements)].concat();
                let expected = if *channels == 0 { vec![] } else { vec![expected] };
                assert_eq!(said, expected, "{elements:02x?}");
                assert_eq!(out_of_service(&alone.events), *channels, "{elements:02x?}");
            }
        }
    }
}

#[test]
fn on_a_t1() {
    check(
        false,
        &[
            (&[0x18, 3, 0xa9, 0x83, 0x85], 1 << 4, None),
            (&[0x18, 3, 0xa1, 0x83, 0x85], 1 << 4, None),
            (&[0x18, 5, 0xa9, 0x83, 0x01, 0x02, 0x83], 0b111, None),
            (&[0x18, 5, 0xa9, 0x93, 0x00, 0x00, 0x1f], 0b1_1111, None),
            (&[0x18, 1, 0xa9], 0x7f_ffff, None),
            (&[0x18, 4, 0xe9, 0x80, 0x83, 0x85], 1 << 4, None),
            // The D channel among them is left out of the answer.
            (&[0x18, 5, 0xa9, 0x83, 0x01, 0x18, 0x83], 0b101, Some(&[0x18, 4, 0xa9, 0x83, 0x01, 0x83])),
            (&[0x18, 5, 0xa9, 0x93, 0xff, 0xff, 0xff], 0x7f_ffff, Some(&[0x18, 5, 0xa9, 0x93, 0x7f, 0xff, 0xff])),
            // Channels and interfaces that we do not have.
            (&[0x18, 3, 0xa9, 0x83, 0x98], 0, None),
            (&[0x18, 3, 0xa9, 0x83, 0x9f], 0, None),
            (&[0x18, 4, 0xe9, 0x81, 0x83, 0x85], 0, None),
            (&[0x18, 1, 0xab], 0, None),
            (&[0x18, 1, 0xa8], 0, None),
        ],
    );
}

#[test]
fn on_an_e1() {
    check(
        true,
        &[
            (&[0x18, 3, 0xa9, 0x83, 0x9f], 1 << 30, None),
            (&[0x18, 6, 0xa9, 0x93, 0x00, 0x00, 0x00, 0x1e], 0b1111, None),
            (&[0x18, 6, 0xa9, 0x93, 0x00, 0x03, 0x00, 0x00], 1 << 16, Some(&[0x18, 6, 0xa9, 0x93, 0, 2, 0, 0])),
            (&[0x18, 1, 0xa9], 0x7fff_7fff, None),
            (&[0x18, 3, 0xa9, 0x83, 0x90], 0, None),
        ],
    );
}

/// A status that has no meaning here is acknowledged as it came, and changes nothing.
#[test]
fn tests_are_acknowledged_and_not_done() {
    let mut alone = alone(true);
    for status in [0xc3, 0xc4, 0xc7, 0xff] {
        let said = answers(&mut alone, &[0x03, 2, 0, 0, 0x0f, 1, 1, status, 0x18, 3, 0xa9, 0x83, 0x85]);
        assert_eq!(said, [[0x03, 2, 0x80, 0, 0x07, 1, 1, status, 0x18, 3, 0xa9, 0x83, 0x85]]);
    }
    assert_eq!(alone.events, []);
}

/// The whole interface by preference, as the 5ESS may write it.
#[test]
fn the_preference_comes_back() {
    let mut alone = alone(true);
    let said = answers(&mut alone, &[0x03, 2, 0, 0, 0x0f, 1, 1, 0x82, 0x18, 1, 0xa9]);
    assert_eq!(said, [[0x03, 2, 0x80, 0, 0x07, 1, 1, 0x82, 0x18, 1, 0xa9]]);
    assert_eq!(out_of_service(&alone.events), 0x7f_ffff);
}

/// Polls for what is known already: answered, and nothing else.
#[test]
fn a_poll_has_no_effect() {
    let mut alone = alone(true);
    for _ in 0..10 {
        alone.run(crate::common::SECOND * 30);
        let said = alone.ask(&service(Switch::Ess5, 5, IN));
        assert_eq!(said, ["SERVICE ACKNOWLEDGE channel 5!: in service"]);
    }
    assert_eq!(alone.events, []);
}

/// Never answered, whatever the discriminator, and counted.
#[test]
fn what_is_not_understood_is_not_answered() {
    let bad: [&[u8]; 12] = [
        &[0x03],
        &[0x03, 2, 0, 0],
        &[0x03, 2, 0, 0, 0x0f],
        &[0x03, 2, 0, 0, 0x0f, 1, 1, 0xc2],
        &[0x03, 2, 0, 0, 0x0f, 0x18, 3, 0xa9, 0x83, 0x85],
        &[0x03, 2, 0, 0, 0x0f, 1, 1, 0xc2, 0x18, 3, 0xa9, 0x83],
        &[0x03, 2, 0, 0, 0x0f, 1, 1, 0xc2, 0x18, 3, 0x89, 0x83, 0x85],
        &[0x03, 2, 0, 0, 0x0f, 1, 9, 0xc2, 0x18, 3, 0xa9, 0x83, 0x85],
        &[0x03, 2, 0, 7, 0x0f, 1, 1, 0xc2, 0x18, 3, 0xa9, 0x83, 0x85],
        &[0x03, 2, 0, 0, 0x55, 1, 1, 0xc2, 0x18, 3, 0xa9, 0x83, 0x85],
        &[0x43, 2, 0, 0, 0xff, 1, 1, 0xc2, 0x18, 3, 0xa9, 0x83, 0x85],
        &[0x43, 2, 0x80, 0, 0x46, 1, 1, 0xc2, 0x18, 3, 0xa9, 0x83, 0x85],
    ];
    for switch in SPEAKERS {
        let mut alone = alone_on(switch, true);
        for message in bad {
            assert_eq!(answers(&mut alone, message), Vec::<Vec<u8>>::new(), "{message:02x?}");
        }
        assert_eq!((alone.events.len(), alone.d.counters().service.not_understood), (0, 12));
        assert_eq!(states(&alone.d, 5), (IN, FarState::InService));
    }
}
