//! Channels taken out of service and put back, by either side: with SERVICE where the variant has it, with cause 44 and RESTART
//! where it has not.

use crate::bench::{Bench, CALLED, CALLING, SECOND, Told, ensure};
use isdn::{Event, FarState, Manner, ServiceState, Switch};

/// With their code on the line and what calls they leave us.
const STATES: [(ServiceState, FarState, u8); 3] = [
    (ServiceState::OutOfService, FarState::OutOfService, 2),
    (ServiceState::Maintenance, FarState::Maintenance, 1),
    (ServiceState::InService, FarState::InService, 0),
];

/// Longer than the pace holds SERVICE back for all channels of an interface.
const PACE: u32 = 60;

/// Every channel's three states, told by us; one of them has a call, which goes on.
pub fn told_by_us(bench: &mut Bench) -> Told {
    let (acknowledged, channels) = (bench.ours.counters().service.acknowledged, bench.place.channels().len() as u64);
    ensure!(
        acknowledged == channels,
        "libpri acknowledged {acknowledged} of {channels} channels when the link came up"
    );
    bench.connected(true, 4)?;
    for (state, _, code) in STATES {
        bench.forget();
        for channel in bench.place.channels() {
            let ordered = bench.ours.set_near(bench.now, channel, state, Manner::Force);
            ordered.map_err(|refused| format!("our own end has no channel {channel}: {refused}"))?;
        }
        bench.run(SECOND * PACE);
        for channel in bench.place.channels() {
            let settled = Event::ServiceSettled { channel: channel.into(), state, acknowledged: true };
            ensure!(
                bench.events.contains(&settled),
                "{state} of channel {channel} is not acknowledged: {}",
                bench.situation()
            );
            let told =
                bench.reports("service").iter().any(|event| event["channel"] == channel && event["status"] == code);
            ensure!(told, "{state} of channel {channel} did not reach libpri as {code}: {}", bench.situation());
        }
        bench.only_active([4], "a call outlives the states of its channel")?;
        let offered = offered_by_them(bench, 9)?;
        let expected = if state == ServiceState::InService { None } else { Some(44) };
        ensure!(offered == expected, "a call on channel 9, {state} here, ended with {offered:?}, not {expected:?}");
    }
    Ok(())
}

/// Every channel's three states, told by libpri; one of them has a call, which goes on.
pub fn told_by_them(bench: &mut Bench) -> Told {
    bench.connected(false, 4)?;
    for (state, far, code) in STATES {
        bench.forget();
        for channel in bench.place.channels() {
            bench.order(&format!("service {channel} {code}"));
        }
        bench.run(SECOND * PACE);
        for channel in bench.place.channels() {
            let known = bench.ours.service(channel).map(|service| service.far);
            ensure!(known == Some(far), "{state} of channel {channel} from the far end arrived as {known:?}");
            let acknowledged =
                bench.reports("service_ack").iter().any(|event| event["channel"] == channel && event["status"] == code);
            ensure!(
                acknowledged,
                "libpri's {state} of channel {channel} is not acknowledged as {code}: {}",
                bench.situation()
            );
        }
        bench.only_active([4], "a call outlives the states of its channel")?;
        let may_call = bench.ours.service(9).is_some_and(|service| service.outgoing);
        ensure!(may_call == (state == ServiceState::InService), "channel 9, {state} there: may we call? {may_call}");
        ensure!(bench.dial(9).is_ok() == may_call, "channel 9, {state} there: told {may_call}, done otherwise");
        bench.finish();
    }
    Ok(())
}

/// A channel out of service there and in maintenance here, and RESTART of it from there: ours stays and is told again, theirs stays
/// too, except on DMS-100, where RESTART puts it back.
pub fn restarted_by_them(bench: &mut Bench) -> Told {
    let ordered = bench.ours.set_near(bench.now, 9, ServiceState::Maintenance, Manner::Force);
    ordered.map_err(|refused| format!("our own end has no channel 9: {refused}"))?;
    bench.order("service 9 2");
    bench.run(SECOND * PACE);
    bench.forget();
    bench.order("restart 9");
    bench.run(SECOND * PACE);
    let known = bench.ours.service(9).map(|service| (service.near, service.far));
    let far = if bench.place.switch == Switch::Dms100 { FarState::InService } else { FarState::OutOfService };
    ensure!(known == Some((ServiceState::Maintenance, far)), "after RESTART channel 9 is {known:?}, not {far:?} there");
    let told_again = bench.reports("service").iter().any(|event| event["channel"] == 9 && event["status"] == 1);
    ensure!(told_again, "our state of channel 9 was not told again after RESTART: {}", bench.situation());
    Ok(())
}

/// EuroISDN: a channel we keep out of service has its calls refused with 44, and calls of its own for nobody; RESTART from there
/// does not put it back.
pub fn kept_by_us_without_messages(bench: &mut Bench) -> Told {
    let order = |bench: &mut Bench, state| {
        let ordered = bench.ours.set_near(bench.now, 9, state, Manner::Force);
        ordered.map_err(|refused| format!("our own end has no channel 9: {refused}"))
    };
    for state in [ServiceState::OutOfService, ServiceState::Maintenance] {
        order(bench, state)?;
        let offered = offered_by_them(bench, 9)?;
        ensure!(offered == Some(44), "a call on channel 9, {state} here, ended with {offered:?}, not 44");
        ensure!(bench.dial(9).is_err(), "we call on channel 9, which is {state} here");
        bench.order("restart 9");
        bench.finish();
        let offered = offered_by_them(bench, 9)?;
        ensure!(offered == Some(44), "after RESTART from there channel 9 is {state} here no more: {offered:?}");
        order(bench, ServiceState::InService)?;
        let offered = offered_by_them(bench, 9)?;
        ensure!(offered.is_none(), "a call on channel 9, in service again, ended with {offered:?}");
        bench.order("clear 9 16");
        bench.finish();
    }
    let maintenance =
        bench.passed.iter().any(|frame| frame.octets.get(4).is_some_and(|octet| [0x03, 0x43].contains(octet)));
    ensure!(!maintenance, "a maintenance message was sent on a variant that has none");
    Ok(())
}

/// EuroISDN: libpri refuses a channel with 44; RESTART of it by us is answered, and it may be called again.
pub fn kept_by_them_without_messages(bench: &mut Bench) -> Told {
    bench.order("refuse 44");
    bench.dial(9)?;
    bench.finish();
    let ends: Vec<_> = bench.released().iter().map(|(cause, by_peer)| (cause.value, *by_peer)).collect();
    ensure!(ends == [(44, true)], "cause 44 from the far end arrived as {ends:?}");
    bench.order("refuse 0");
    bench.ours.restart(bench.now, 9).map_err(|refused| format!("our own end does not restart channel 9: {refused}"))?;
    bench.finish();
    let done = Event::RestartDone { channel: 9.into(), acknowledged: true };
    ensure!(bench.events.contains(&done), "RESTART of channel 9 is not acknowledged: {}", bench.situation());
    bench.connected(true, 9).map(drop)
}

/// libpri calls on a channel. The cause it is told if the call does not become Active; if it does, it is left up.
fn offered_by_them(bench: &mut Bench, channel: u8) -> Result<Option<u64>, String> {
    bench.forget();
    bench.order(&format!("call {channel} {CALLED} {CALLING}"));
    bench.finish();
    match (bench.active_here().contains(&channel), &bench.reports("ended")[..]) {
        (true, []) => Ok(None),
        (false, [end]) => Ok(end["cause"].as_u64()),
        _ => Err(format!("a call of libpri's on channel {channel}: {}", bench.situation())),
    }
}
