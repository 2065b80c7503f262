//! Two T1s that share a D channel: full of calls, with and without a backup, and with the line of the primary cut.

use super::support::{SOON, call_in, caller, cleared, logged, raised, recorded, reserve, speaker, trunkctl};
use control::{ChannelInfo, Client, DialPlan, ExchangeCallState, LinkState, Reservation};
use dsp::align::align;
use hw_tests::daemon::Daemon;
use hw_tests::sound;
use std::time::Duration;

/// A minute for the failures of a line to be declared and cleared, and for T321.
const PATIENCE: Duration = Duration::from_secs(60);

fn two_spans(nfas: &str) -> Daemon {
    let span = "[[card.span]]\nline = \"T1\"\nswitch = \"ni2\"\nfar_end = \"exchange\"\n";
    let group = "[[nfas]]\nname = \"east\"\nspans = [\"soft0/1\", \"soft0/2\"]\nprimary = \"soft0/1\"\n";
    Daemon::start("", "", &format!("[[card]]\nboard = \"loopback\"\nname = \"soft0\"\n{span}{span}{group}{nfas}"))
}

fn links(client: &mut Client) -> Vec<LinkState> {
    client.spans().expect("answered").iter().map(|span| span.link).collect()
}

/// The channels of each span that carry a call.
fn busy(daemon: &Daemon) -> [usize; 2] {
    let busy = |c: &&ChannelInfo| c.call.is_some();
    [1, 2].map(|span| daemon.client().channels(Some(span)).expect("answered").iter().filter(busy).count())
}

fn listeners(event: &Reservation, count: usize) -> Vec<DialPlan> {
    vec![caller(&event.event, &event.pins.speaker); count]
}

#[test]
fn without_a_backup_47_callers_hear_one_who_speaks_on_timeslot_24() {
    let daemon = two_spans("");
    assert_eq!(links(&mut daemon.client()), [LinkState::Up, LinkState::Shared]);
    let event = reserve(&daemon, "Full");
    let heard = daemon.file("heard.wav");
    let first = call_in(&daemon, &event.event, vec![recorded(caller(&event.event, &event.pins.host), &heard)]);
    call_in(&daemon, &event.event, listeners(&event, 45));
    // The exchange hunts from the lowest channel: the last that is free is 24 of the second span.
    let last = call_in(&daemon, &event.event, vec![speaker(&event.event, &event.pins.speaker)]);
    daemon.wait_for("all 47 in the conference", SOON, |c| (c.events().ok()?.first()?.callers == 47).then_some(()));
    assert_eq!(busy(&daemon), [23, 24]);
    let on_24 = daemon.client().channels(Some(2)).expect("answered").into_iter().find(|c| c.channel == 24);
    assert!(on_24.is_some_and(|c| c.call.is_some()), "timeslot 24 carries a call");
    assert!(is_full(&daemon, &event), "there is no room for one more");

    let (code, shown, _) = trunkctl(&daemon, &["spans"]);
    assert!(
        code == Some(0) && shown.contains("24/24") && shown.contains("its D channel is on span 1 (nfas east)"),
        "{shown}"
    );
    let (code, _, refused) = trunkctl(&daemon, &["trace", "2", "--ring"]);
    assert!(code != Some(0) && refused.contains("span 2 has no D channel: nfas east has it on span 1"), "{refused}");
    let (_, findings, _) = trunkctl(&daemon, &["doctor"]);
    assert!(!findings.contains("D channel") && !findings.contains("nfas east"), "nothing is wrong there: {findings}");

    // Some seconds of speech, then the one who listened hangs up, which ends his recording.
    std::thread::sleep(Duration::from_secs(6));
    daemon.client().exchange_hang_up(last[0]).expect("hung up");
    daemon.client().exchange_hang_up(first[0]).expect("hung up");
    daemon.wait_for("both to be gone", SOON, |c| (c.events().ok()?.first()?.callers == 45).then_some(()));
    let said = sound::read(&super::support::asset("speech/a1.wav"));
    let found = align(&said, &sound::read(&heard)).expect("something is to be heard");
    assert!(found.correlation >= 0.9, "what was said on timeslot 24 is heard: {}", found.correlation);
}

/// Whether one more caller is turned away for want of a channel.
fn is_full(daemon: &Daemon, event: &Reservation) -> bool {
    let before = busy(daemon);
    let id = daemon.client().exchange_dial(caller(&event.event, &event.pins.speaker)).expect("dialled");
    daemon.wait_for("the exchange to find no channel", SOON, |c| {
        let calls = c.exchange_calls().ok()?;
        calls.iter().all(|call| call.id != id || call.state == ExchangeCallState::Ended).then_some(())
    });
    busy(daemon) == before
}

#[test]
fn with_a_backup_46_calls_go_on_when_the_line_of_the_primary_is_cut() {
    let daemon = two_spans("backup = \"soft0/2\"\n");
    assert_eq!(links(&mut daemon.client()), [LinkState::Active, LinkState::Standby]);
    let event = reserve(&daemon, "Cut");
    let callers = call_in(&daemon, &event.event, listeners(&event, 46));
    assert_eq!(busy(&daemon), [23, 23]);
    assert!(is_full(&daemon, &event), "timeslot 24 of both is a D channel");

    for fault in ["los", "sent los"] {
        let words: Vec<&str> = ["fault", "1"].into_iter().chain(fault.split(' ')).collect();
        assert_eq!(trunkctl(&daemon, &words).0, Some(0));
    }
    daemon.wait_for("the backup to take over", SOON, |c| (links(c)[1] == LinkState::Active).then_some(()));
    let said = raised(&daemon, "nfas east");
    assert!(said.contains("backup on span 2 has taken over"), "{said}");
    println!("{}", logged(&daemon, &["span 1: the primary D channel has failed"]));
    assert_eq!(busy(&daemon)[1], 23, "the calls on the other span go on");
    // The last of them had the last channel. When he hangs up there is room for one, which the backup signals.
    daemon.client().exchange_hang_up(callers[45]).expect("hung up");
    daemon.wait_for("his channel", SOON, |_| (busy(&daemon)[1] == 22).then_some(()));
    daemon.client().exchange_dial(caller(&event.event, &event.pins.speaker)).expect("dialled");
    daemon.wait_for("a new call by the backup", SOON, |_| (busy(&daemon)[1] == 23).then_some(()));

    assert_eq!(trunkctl(&daemon, &["fault", "1", "clear"]).0, Some(0));
    assert_eq!(trunkctl(&daemon, &["fault", "1", "sent", "clear"]).0, Some(0));
    daemon.wait_for("the primary to stand by", PATIENCE, |c| {
        (links(c) == [LinkState::Standby, LinkState::Active]).then_some(())
    });
    cleared(&daemon, "nfas east");
    cleared(&daemon, "span 1");
    let before = busy(&daemon)[0];
    daemon.client().exchange_hang_up(callers[0]).expect("hung up");
    daemon.wait_for("a channel of the first span", SOON, |_| (busy(&daemon)[0] < before.max(1)).then_some(()));
    daemon.client().exchange_dial(caller(&event.event, &event.pins.speaker)).expect("dialled");
    daemon.wait_for("a new call on the mended span", SOON, |_| (busy(&daemon)[0] == before).then_some(()));
    let resting = daemon.client().status().expect("answered").alarms;
    assert!(!resting.iter().any(|alarm| alarm.what.contains("D channel")), "{resting:?}");
}
