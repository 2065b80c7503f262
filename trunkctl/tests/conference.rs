//! `trunkctl conference`: each command asks the daemon for what it says.

mod common;

use common::{Bench, told};
use control::{ConferenceMode, ConferenceOrder, Request};

const EVENT: &str = "100200305";

/// The order a command line comes to.
fn ordered(args: &[&str]) -> ConferenceOrder {
    let bench = Bench::new();
    let verb = [&["conference", args[0], EVENT], &args[1..]].concat();
    bench.shown(&verb);
    match bench.requests().pop() {
        Some(Request::ConferenceOrder { event, order }) if event == EVENT => order,
        other => panic!("{args:?}: {other:?}"),
    }
}

#[test]
fn every_command_is_the_order_it_says() {
    let call = 17;
    for (args, order) in [
        (&["mute", "17"][..], ConferenceOrder::Mute { call }),
        (&["mute", "all"], ConferenceOrder::MuteAll { lock: false }),
        (&["mute", "all", "--lock"], ConferenceOrder::MuteAll { lock: true }),
        (&["unmute", "17"], ConferenceOrder::Unmute { call }),
        (&["unmute", "all"], ConferenceOrder::UnmuteAll),
        (&["lock"], ConferenceOrder::Lock),
        (&["unlock"], ConferenceOrder::Unlock),
        (&["mode", "lecture"], ConferenceOrder::Mode { mode: ConferenceMode::Lecture }),
        (&["kick", "17", "--yes"], ConferenceOrder::Kick { call }),
        (&["kick", "last", "--yes"], ConferenceOrder::KickLast),
        (&["admit"], ConferenceOrder::AdmitNext),
        (&["admit", "all"], ConferenceOrder::AdmitAll),
        (&["admit", "17"], ConferenceOrder::Admit { call }),
        (&["call-on"], ConferenceOrder::CallOnNext),
        (&["call-on", "17"], ConferenceOrder::CallOn { call }),
        (&["lower", "17"], ConferenceOrder::LowerHand { call }),
        (&["lower", "all"], ConferenceOrder::LowerHands),
        (&["rename", "17", "Ada"], ConferenceOrder::Rename { call, name: "Ada".into() }),
        (&["dial", "+15555550142"], ConferenceOrder::DialOut { number: "+15555550142".into() }),
        (&["end", "--yes"], ConferenceOrder::End),
    ] {
        assert_eq!(ordered(args), order, "{args:?}");
    }
}

#[test]
fn what_takes_callers_away_is_asked_about_first() {
    let bench = Bench::new();
    for args in [&["conference", "kick", EVENT, "17"][..], &["conference", "end", EVENT]] {
        let (code, _, complaint) = told(&bench.run(args));
        assert_eq!(code, 2, "{complaint}");
        assert!(
            complaint.contains("add --yes, or --dry-run") && complaint.contains("call 17")
                || complaint.contains("This ends")
        );
    }
    assert!(!bench.requests().iter().any(|r| matches!(r, Request::ConferenceOrder { .. })), "nothing was ordered");
}

#[test]
fn a_number_that_can_be_no_event_s_is_refused_at_once() {
    for bench in [Bench::new(), Bench::with(true)] {
        for args in
            [&["conference", "show", "12"][..], &["conference", "watch", "12"], &["end", "12"], &["cancel", "12"]]
        {
            let (code, shown, complaint) = told(&bench.run(args));
            assert_eq!((code, shown.as_str()), (2, ""), "{args:?}: {complaint}");
            assert_eq!(complaint, "trunkctl: 12 is no event number: an event number has 10 digits\n", "{args:?}");
        }
        let asked = |request: &Request| matches!(request, Request::Conference { .. });
        assert!(bench.requests().iter().all(asked), "nothing was watched or ended: {:?}", bench.requests());
    }
}

#[test]
fn what_cannot_be_meant_is_refused_with_a_reason() {
    let bench = Bench::new();
    for (args, why) in [
        (&["mute", EVENT, "everyone"][..], "the number of a call, or `all`"),
        (&["mute", EVENT, "17", "--lock"], "--lock is for all"),
        (&["mode", EVENT, "karaoke"], "conversation"),
        (&["rename", EVENT, "17", "a\nb"], "on one line"),
        (&["dial", EVENT, "abc"], "digits"),
    ] {
        let (code, _, complaint) = told(&bench.run(&[&["conference"], args].concat()));
        assert!(code != 0 && complaint.contains(why), "{args:?}: {code} {complaint}");
    }
    let (code, _, complaint) = told(&Bench::with(true).run(&["conference", "show", EVENT]));
    assert_eq!(code, 1);
    assert!(complaint.contains("nobody is in a conference") && complaint.contains("conference list"), "{complaint}");
}
