//! Frames nobody should send, and frames that are noise.
//!
//! A frame is discarded, or it condemns the link to be established again, and which of the two is decided by clauses 2.9
//! and 5.8.5. Nothing the line can say may panic, or make the link produce more than a few frames.
//!
//! Clauses: Q.921 2.9, 3.6, 5.8.4, 5.8.5, 5.8.7

use crate::support::{Pair, Seen};
use isdn::Side;
use isdn::q921::{Counters, DataLink, Output, Parameters, StateName, Why};
use proptest::prelude::*;
use std::time::Duration;

/// What a test expects to have become of a frame while the link is up.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Discarded,
    EstablishedAgain(Why),
}

/// A name, a frame, what becomes of it, and the counter that shows it.
type Case = (&'static str, Vec<u8>, Fate, fn(&Counters) -> u64);

fn fate(frame: &[u8]) -> (Fate, Counters) {
    let mut pair = Pair::user_up_alone(Parameters::default());
    pair.inject(Side::User, frame);
    let fate = match pair.user.link.state() {
        StateName::MultipleFrameEstablished => {
            assert_eq!(pair.ladder, [""; 0], "{frame:02x?}");
            Fate::Discarded
        }
        StateName::AwaitingEstablishment => {
            assert_eq!(pair.ladder, ["> SABME P lost"], "{frame:02x?}");
            Fate::EstablishedAgain(pair.user.link.transitions().last().expect("one at least").why)
        }
        other => panic!("{frame:02x?} led to {other:?}"),
    };
    (fate, *pair.user.link.counters())
}

#[test]
fn each_odd_frame_has_its_fate_and_its_counter() {
    let malformed = || Fate::EstablishedAgain(Why::MalformedFrame);
    let mut too_long = vec![0x02, 0x01, 0x00, 0x00];
    too_long.resize(4 + 261, 0);
    let cases: Vec<Case> = vec![
        ("nothing", vec![], Fate::Discarded, |c| c.invalid),
        ("address only", vec![0x02, 0x01], Fate::Discarded, |c| c.invalid),
        ("RR of three octets", vec![0x02, 0x01, 0x01], Fate::Discarded, |c| c.invalid),
        ("one-octet address", vec![0x03, 0x01, 0x01, 0x00], Fate::Discarded, |c| c.invalid),
        ("TEI management", vec![0xfe, 0xff, 0x03, 0x0f, 0, 0, 1, 0xff], Fate::Discarded, |c| c.other_address),
        ("SABME for TEI 1", vec![0x02, 0x03, 0x7f], Fate::Discarded, |c| c.other_address),
        ("packet data, SAPI 16", vec![0x42, 0x01, 0x7f], Fate::Discarded, |c| c.other_address),
        ("UI", vec![0x02, 0x01, 0x03, 0x08], Fate::Discarded, |c| c.ignored),
        ("XID", vec![0x02, 0x01, 0xbf], Fate::Discarded, |c| c.ignored),
        ("unsolicited UA F", vec![0x00, 0x01, 0x73], Fate::Discarded, |c| c.ignored),
        ("unsolicited UA", vec![0x00, 0x01, 0x63], Fate::Discarded, |c| c.ignored),
        ("DM F, answer to no question", vec![0x00, 0x01, 0x1f], Fate::Discarded, |c| c.ignored),
        ("DM", vec![0x00, 0x01, 0x0f], Fate::EstablishedAgain(Why::PeerDisconnected), |c| c.resets),
        ("FRMR", vec![0x00, 0x01, 0x87, 0, 0, 0, 0, 0], Fate::EstablishedAgain(Why::PeerRejectedFrame), |c| {
            c.frame_rejects_in
        }),
        ("undefined control", vec![0x02, 0x01, 0xe3], malformed(), |c| c.malformed),
        ("SREJ", vec![0x02, 0x01, 0x0d, 0x00], malformed(), |c| c.malformed),
        ("RR with an information field", vec![0x02, 0x01, 0x01, 0x00, 0x00], malformed(), |c| c.malformed),
        ("SABME with an information field", vec![0x02, 0x01, 0x7f, 0x00], malformed(), |c| c.malformed),
        ("information longer than N201", too_long, malformed(), |c| c.malformed),
        ("our own I frame, looped", vec![0x00, 0x01, 0x00, 0x00, 0x08], malformed(), |c| c.malformed),
    ];
    for (name, frame, expected, counter) in cases {
        let (fate, counters) = fate(&frame);
        assert_eq!(fate, expected, "{name}");
        assert_eq!(counter(&counters), 1, "{name}");
    }
}

/// While there is no link, the same frames do nothing but count.
#[test]
fn odd_frames_do_nothing_to_a_link_that_is_down() {
    let frames: [&[u8]; 8] = [
        &[0x02, 0x01, 0xe3],
        &[0x02, 0x01, 0x01, 0x01], // RR P
        &[0x02, 0x01, 0x00, 0x01, 0x08],
        &[0x00, 0x01, 0x87, 0, 0, 0, 0, 0],
        &[0x00, 0x01, 0x73],
        &[0x00, 0x01, 0x1f],
        &[0x02, 0x01, 0x03],
        &[0x00, 0x01, 0x0f], // DM without F, but layer 3 has not asked for a link
    ];
    let mut link = DataLink::new(Side::User, Parameters::default());
    for frame in frames {
        link.handle_frame(Duration::ZERO, frame);
        assert_eq!(link.poll_output(), None, "{frame:02x?}");
        assert_eq!(link.state(), StateName::TeiAssigned);
    }
    assert_eq!((link.counters().malformed, link.counters().ignored), (1, 7));
    link.handle_frame(Duration::ZERO, &[0x02, 0x01, 0x53]); // DISC P is answered DM F
    assert_eq!(link.poll_output().map(transmitted), Some(vec![0x02, 0x01, 0x1f]));
}

fn transmitted(output: Output) -> Vec<u8> {
    match output {
        Output::Transmit(frame) => frame.to_vec(),
        other => panic!("{other:?} is no frame"),
    }
}

/// A line looped somewhere returns our SABME: that must not look like a far end.
#[test]
fn a_looped_line_never_comes_up() {
    let mut link = DataLink::new(Side::User, Parameters::default());
    let mut now = Duration::ZERO;
    link.establish(now);
    for _ in 0..100 {
        while let Some(output) = link.poll_output() {
            let frame = transmitted(output);
            link.handle_frame(now, &frame);
        }
        assert_ne!(link.state(), StateName::MultipleFrameEstablished);
        now = link.poll_timeout().expect("it keeps trying");
        link.handle_timeout(now);
    }
    assert!(link.counters().malformed > 60);
}

/// An owner who collects nothing: bounded, nothing acknowledged that was not delivered, and the far end's repetition makes
/// the missing message good.
#[test]
fn an_owner_who_does_not_collect_loses_no_message() {
    let mut pair = Pair::up(Parameters { k: 64, ..Parameters::default() }, 1);
    pair.cut = true;
    for number in 0..40u8 {
        pair.send(Side::Network, &[number]);
    }
    for number in 0..40u8 {
        pair.user.link.handle_frame(pair.now, &[0x02, 0x01, number << 1, 0x00, number]);
    }
    assert!(pair.user.link.counters().outputs_dropped > 0);
    pair.cut = false;
    pair.run(Duration::from_secs(2));
    assert_eq!(pair.user.messages(), (0..40u8).map(|number| vec![number]).collect::<Vec<_>>());
    assert_eq!(pair.network.link.counters().resets, 0);
}

/// The same owner, and a far end that establishes over and over: the last word is what stays.
#[test]
fn an_owner_who_does_not_collect_still_learns_the_state() {
    let mut link = DataLink::new(Side::User, Parameters::default());
    for _ in 0..1000 {
        link.handle_frame(Duration::ZERO, &[0x02, 0x01, 0x7f]);
        link.handle_frame(Duration::ZERO, &[0x02, 0x01, 0x53]);
    }
    let mut last = None;
    let mut count = 0;
    while let Some(output) = link.poll_output() {
        count += 1;
        if !matches!(output, Output::Transmit(_)) {
            last = Some(matches!(output, Output::Released));
        }
    }
    assert!(count <= 32);
    assert_eq!(last, Some(true), "it was released");
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    let anything = proptest::collection::vec(any::<u8>(), 0..300);
    // Addressed to us, so that the control field gets its share of the noise.
    let addressed = (prop_oneof![Just(0x00u8), Just(0x02)], proptest::collection::vec(any::<u8>(), 0..8))
        .prop_map(|(first, rest)| [&[first, 0x01][..], &rest].concat());
    // Real commands and responses in any order.
    let controls = prop::sample::select(vec![0x7fu8, 0x6f, 0x53, 0x43, 0x73, 0x63, 0x1f, 0x0f, 0x87, 0x03, 0xbf]);
    let unnumbered =
        (prop_oneof![Just(0x00u8), Just(0x02)], controls).prop_map(|(first, control)| vec![first, 0x01, control]);
    let numbered =
        (prop_oneof![Just(0x00u8), Just(0x02)], 0u8..6, 0u8..12, prop_oneof![Just(1u8), Just(5), Just(9), Just(0)])
            .prop_map(|(first, n_s, second, kind)| match kind {
                0 => vec![first, 0x01, n_s << 1, second, 0xaa],
                kind => vec![first, 0x01, kind, second],
            });
    prop_oneof![1 => anything, 2 => addressed, 4 => unnumbered, 8 => numbered]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    /// Hostile frames, requests and time in any order: no panic, an answer of bounded size, and a timer always
    /// running while a link is wanted.
    #[test]
    fn nothing_said_on_the_line_breaks_the_link(
        side in prop_oneof![Just(Side::User), Just(Side::Network)],
        inputs in proptest::collection::vec((octets(), 0u8..12, 0u64..3000), 1..200),
    ) {
        let mut link = DataLink::new(side, Parameters::default());
        let mut now = Duration::ZERO;
        let mut up = false;
        for (frame, action, milliseconds) in inputs {
            now += Duration::from_millis(milliseconds / 10);
            match action {
                0 => link.establish(now),
                1 => link.release(now),
                2..=4 => {
                    let taken = link.send(now, &frame);
                    prop_assert!(up || taken.is_err());
                }
                5 | 6 => {
                    now += Duration::from_millis(milliseconds);
                    link.handle_timeout(now);
                }
                _ => link.handle_frame(now, &frame),
            }
            let mut outputs = 0;
            while let Some(output) = link.poll_output() {
                outputs += 1;
                match output {
                    Output::Established { reset } => {
                        prop_assert_eq!(reset, up, "reset says whether it was up");
                        up = true;
                    }
                    Output::Released => up = false,
                    Output::Information(_) => prop_assert!(up, "no message before the link is up"),
                    Output::Transmit(frame) => prop_assert!(frame.len() >= 3),
                }
            }
            // At most a window of I frames, and the answer, and the change of state.
            prop_assert!(outputs <= 7 + 4, "{} outputs", outputs);
            if link.state() != StateName::TeiAssigned {
                prop_assert!(link.poll_timeout().is_some());
            }
        }
    }
}

/// Time that stands still or goes back is survived: deadlines stay where they are.
#[test]
fn a_clock_that_goes_back_stands_still() {
    let mut pair = Pair::up(Parameters::default(), 1);
    let deadline = pair.user.link.poll_timeout();
    pair.user.link.handle_timeout(Duration::ZERO);
    pair.user.link.handle_frame(Duration::ZERO, &[0x02, 0x01, 0x01, 0x01]);
    assert!(pair.user.link.poll_timeout() >= deadline);
    assert_eq!(pair.user.seen, [] as [Seen; 0]);
}
