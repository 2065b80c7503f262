//! Frames of the D channel: with the driver's HDLC or the board's, with garbage on the line, and where the configuration is wrong.

mod common;

use board_dahdi::abi::{event, signalling};
use board_dahdi::{At, DahdiCard};
use common::{Double, echo_all, settings, started, started_as};
use hal::{Card, CardEvent, ChunkLength, ErrorKind, FrameFault, Line, SpanIndex};
use std::error::Error;

const SPAN: SpanIndex = SpanIndex(0);
const FRAME: [u8; 3] = [0x00, 0x01, 0x7f];

#[test]
fn the_check_sequence_is_the_boards_business_either_way() {
    for (capable, expected) in
        [(signalling::HDLC_FCS, signalling::HDLC_FCS), (signalling::HARD_HDLC, signalling::HARD_HDLC)]
    {
        let double = Double::new(&[Line::T1]);
        double.world().channel(0, 24).capable = capable;
        let mut card = started(&double, &[Line::T1]);
        assert_eq!(double.world().channel(0, 24).signalling, expected);
        card.traffic.send_frame(SPAN, &FRAME).expect("taken");
        double.pass(1);
        assert_eq!(double.world().channel(0, 24).frames, [[0x00, 0x01, 0x7f, 0, 0]]);
        double.world().channel(0, 24).received.push_back(vec![0x02, 0x01, 0x73, 0xab, 0xcd]);
        assert_eq!(card.traffic.receive_frame(SPAN).expect("here").as_deref(), Some(&[0x02, 0x01, 0x73][..]));
        assert_eq!(card.traffic.receive_frame(SPAN).expect("here"), None);
    }
}

#[test]
fn garbage_is_counted_and_stops_nothing() {
    let double = Double::new(&[Line::E1]);
    let mut card = started(&double, &[Line::E1]);
    double.world().channel(0, 16).events.extend([event::ABORT, event::BAD_FCS, event::OVERRUN, event::ABORT]);
    double.world().channel(0, 16).received.extend([vec![1], vec![0; 300], vec![0x00, 0x01, 0x7f, 9, 9]]);
    assert_eq!(card.traffic.receive_frame(SPAN).expect("here").as_deref(), Some(&FRAME[..]));
    let faults: Vec<_> = std::iter::from_fn(|| card.traffic.next_event()).collect();
    let expected = [
        FrameFault::Abort,
        FrameFault::BadFcs,
        FrameFault::Overrun,
        FrameFault::Abort,
        FrameFault::BadFcs,
        FrameFault::TooLong,
    ];
    assert_eq!(faults, expected.map(|fault| CardEvent::FrameLost(SPAN, fault)));
    let counters = card.control.counters(SPAN);
    assert_eq!((counters.bad_frames, counters.aborted_frames, counters.wrong_fcs_frames), (6, 2, 2));
    // While an event waits the driver lets nothing be sent either.
    double.world().channel(0, 16).events.push_back(event::ABORT);
    card.traffic.send_frame(SPAN, &FRAME).expect("taken");
    double.pass(10);
    assert_eq!(echo_all(&mut card, &[Line::E1]), 1);
}

#[test]
fn a_queue_that_is_full_and_a_frame_that_is_too_long_are_told_apart() {
    let double = Double::new(&[Line::E1]);
    let mut card = started(&double, &[Line::E1]);
    for _ in 0..32 {
        card.traffic.send_frame(SPAN, &FRAME).expect("taken");
    }
    assert_eq!(card.traffic.send_frame(SPAN, &FRAME).expect_err("full").kind(), ErrorKind::Retry);
    assert_eq!(card.traffic.send_frame(SPAN, &[0; 265]).expect_err("long").kind(), ErrorKind::Unsupported);
}

#[test]
fn a_span_without_a_d_channel_has_one_bearer_more() {
    let double = Double::new(&[Line::T1]);
    let mut card = DahdiCard::find(settings(&[Line::T1]), Box::new(double.clone())).expect("found");
    card.without_d_channel(SPAN).expect("any span can be");
    let mut card = Box::new(card).start(ChunkLength::Ms10).expect("started");
    assert_eq!(double.world().channel(0, 24).signalling, signalling::CLEAR);
    assert_eq!(card.traffic.receive_frame(SPAN).expect("here"), None);
    assert_eq!(card.traffic.send_frame(SPAN, &FRAME).expect_err("none").kind(), ErrorKind::Unsupported);
}

fn refused(double: &Double, settings: board_dahdi::CardSettings) -> (ErrorKind, String) {
    let started =
        DahdiCard::find(settings, Box::new(double.clone())).and_then(|c| Box::new(c).start(ChunkLength::Ms10));
    let error = started.map(drop).expect_err("refused");
    (error.kind(), error.source().map(ToString::to_string).unwrap_or_default())
}

#[test]
fn what_is_configured_wrongly_is_said_in_words() {
    let double = Double::new(&[Line::E1]);
    let with = |change: &dyn Fn(&mut board_dahdi::CardSettings)| {
        let mut settings = settings(&[Line::E1]);
        change(&mut settings);
        refused(&double, settings)
    };
    let (kind, why) = with(&|s| s.spans[0].at = At::Name("TE2/0/1".into()));
    assert_eq!((kind, why.as_str()), (ErrorKind::Reopen, "the driver has no span \"TE2/0/1\"; it has 1 \"WCT1/0\""));
    let (kind, why) = with(&|s| s.spans[0].line = Line::T1);
    assert!(kind == ErrorKind::GiveUp && why.starts_with("span 1 is E1, not T1"), "{why}");

    // Somebody else has configured it, with the D channel where a T1 has it.
    for channel in &mut double.world().channels {
        channel.signalling = if channel.position == 24 { signalling::HDLC_FCS } else { signalling::CLEAR };
    }
    let (kind, why) = with(&|s| s.configure = false);
    assert!(kind == ErrorKind::GiveUp && why.contains("timeslot 16") && why.contains("dchan="), "{why}");

    let held = started_as(&double, settings(&[Line::E1]));
    let (kind, why) = with(&|_| {});
    assert!(kind == ErrorKind::GiveUp && why.contains("another program has it open"), "{why}");
    drop(held);
    drop(started_as(&double, settings(&[Line::E1])));
}

#[test]
fn spans_are_configured_unless_somebody_else_does_it() {
    let double = Double::new(&[Line::T1, Line::E1]);
    drop(started(&double, &[Line::T1, Line::E1]));
    let configured: Vec<_> = double.world().boards.iter().map(|board| board.config).collect();
    assert_eq!(configured, [Some((0xa0, 1)), Some((0x700, 1))]);
    double.world().boards.iter_mut().for_each(|board| board.config = None);
    let mut settings = settings(&[Line::T1, Line::E1]);
    settings.configure = false;
    drop(started_as(&double, settings));
    assert!(double.world().boards.iter().all(|board| board.config.is_none()));
}
