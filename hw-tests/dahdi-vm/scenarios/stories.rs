//! The stories of the software card, told over the real driver with an exchange made by others.

use crate::pattern::in_words;
use crate::place::{Call, Place, Trunk};
use board_dahdi::abi::{Blank, Buffers, ChannelConfig, signalling};
use board_dahdi::{Driver, Kernel, Request};
use control::{Hold, Resume, Suspend, Target};
use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};

/// Samples of a period of the tone one caller sends: 500 Hz.
const PERIOD: usize = 16;
/// Seconds of it.
const TONE_S: usize = 10;
/// Seconds until both ends are sure of the data link. When their first SABMEs cross and one is lost, the link that is up for one end
/// is established again a second later (Q.921 clause 5.5.1.3), and what was sent meanwhile is lost with it.
const LINK_S: usize = 2;
/// What the exchange adds between an octet that it reads and the one it writes for it: its cushion and the block it reads.
const PEER_MS: f64 = 170.0;

fn silence(seconds: usize) -> Vec<i16> {
    vec![0; seconds * 8000]
}

/// A tone that is the same octets again in each period, so that a single octet lost or repeated shows.
fn tone(seconds: usize) -> Vec<i16> {
    let one = |at: usize| (8000.0 * (at as f64 * std::f64::consts::TAU / PERIOD as f64).sin()) as i16;
    (0..seconds * 8000).map(|at| one(at % PERIOD)).collect()
}

/// The longest stretch that repeats itself each period and is no silence.
fn longest_tone(octets: &[u8]) -> Range<usize> {
    let (mut longest, mut now) = (0..0, 0);
    for at in PERIOD..octets.len() {
        let moves = octets[at - PERIOD..at].iter().any(|octet| *octet != octets[at]);
        now = if moves && octets[at] == octets[at - PERIOD] { now + 1 } else { 0 };
        if now > longest.len() {
            longest = at + 1 - now - PERIOD..at + 1 - PERIOD;
        }
    }
    longest
}

/// Every bearer channel has a caller; all are in one conference, and one of them is heard by all the others without a gap.
pub fn all_channels(trunk: Trunk) -> Result<String, String> {
    let mut place = Place::new(trunk)?;
    let callers = trunk.line.bearers().count();
    let pins = place.event.pins.clone();
    let wait = LINK_S + 14 + callers / 4;
    let call = |number: usize| {
        let says = if number == 0 {
            // When the others have come in.
            let mut says = place.entry(&pins.host);
            says.resize(wait * 8000, 0);
            [says, tone(TONE_S), silence(1)].concat()
        } else {
            place.entry(&pins.speaker)
        };
        Call { after: LINK_S as f64 + number as f64 / 4.0, seconds: (wait + TONE_S + 3) as u32, says }
    };
    let calls: Vec<Call> = (0..callers).map(call).collect();
    place.attach(&calls)?;
    place.until_callers(callers as u32, 60)?;
    let (begun, used) = (Instant::now(), place.daemon_hundredths());
    std::thread::sleep(Duration::from_secs(5));
    let share = (place.daemon_hundredths() - used) as f64 / begun.elapsed().as_secs_f64();
    place.finish(120)?;
    let heard: Vec<Range<usize>> = (1..callers).map(|number| longest_tone(&place.heard(number))).collect();
    let least = heard.iter().map(Range::len).min().unwrap_or(0);
    // On the exchange's count of the line: from where the tone was handed to the driver to where it came out of it.
    let sounds = place.sounds();
    let begun = |call: usize| {
        sounds.get(&call).copied().ok_or_else(|| format!("the exchange does not tell when call {call} sounded"))
    };
    let sent = begun(0)? + wait * 8000;
    let mut delays = Vec::new();
    for (call, tone) in (1..).zip(&heard) {
        delays.push((begun(call)? + tone.start) as f64 / 8.0 - sent as f64 / 8.0);
    }
    delays.sort_by(f64::total_cmp);
    let span = place.until_span("the counters", 10, |span| span.in_use == 0)?;
    let text = format!(
        "{callers} callers in a conference; {TONE_S} s of a tone come to each of the others as at least {:.2} s without a gap; \
         the gateway and both its buffers delay it by {:.0} to {:.0} ms; \
         {} slips, {} underruns; the daemon used {share:.0} % of the emulated processor",
        least as f64 / 8000.0,
        delays[0] - PEER_MS,
        delays[delays.len() - 1] - PEER_MS,
        span.counters.slips,
        span.counters.underruns
    );
    // Its first and last few milliseconds are in the talk detector's and the codec's way.
    if least > TONE_S * 8000 - 800 && span.counters.slips == 0 { Ok(text) } else { Err(format!("{text}; {heard:?}")) }
}

/// A channel is suspended and resumed, and the exchange is told each time.
pub fn service_messages(trunk: Trunk) -> Result<String, String> {
    let mut place = Place::new(trunk)?;
    place.attach(&[])?;
    place.until_well(30)?;
    let target = Target::Channels { span: 1, first: 5, last: 5 };
    place.until("the suspension", 5, |client| client.suspend(Suspend::new(target.clone())).ok())?;
    let told = |status: u8| format!("\"event\":\"service\",\"channel\":5,\"status\":{status}");
    let hears = |place: &Place, status: u8| {
        let deadline = Instant::now() + Duration::from_secs(10);
        while !place.events().contains(&told(status)) {
            if Instant::now() > deadline {
                return Err(format!("the exchange was not told {}: {}", told(status), place.events()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    };
    hears(&place, 2)?;
    place.until_span("one channel out of service", 10, |span| span.out_of_service == 1)?;
    place.until("the resumption", 5, |client| client.resume(resume(target.clone())).ok())?;
    hears(&place, 0)?;
    place.until_well(10)?;
    Ok("SERVICE for channel 5, out of service and in service, told and acknowledged".into())
}

fn simple_calls(place: &Place, number: usize, seconds: u32) -> Vec<Call> {
    let says = place.entry(&place.event.pins.speaker);
    (0..number).map(|n| Call { after: n as f64 / 4.0, seconds, says: says.clone() }).collect()
}

/// Ten calls, and the span is suspended: idle channels go at once, the others with their calls, and then all come back.
pub fn ten_calls_drain(trunk: Trunk) -> Result<String, String> {
    let mut place = Place::new(trunk)?;
    let calls = simple_calls(&place, 10, 25);
    place.attach(&calls)?;
    place.until_callers(10, 40)?;
    let channels = trunk.line.bearers().count() as u16;
    place.until("the suspension", 5, |client| client.suspend(Suspend::new(Target::Span(1))).ok())?;
    place.until_span("the idle channels to be out", 10, |span| {
        span.out_of_service == channels - 10 && span.in_use == 10
    })?;
    let drained = place.until_span("all channels to be out", 60, |span| span.out_of_service == channels)?;
    if drained.in_use != 0 {
        return Err(format!("{} calls are left", drained.in_use));
    }
    place.kill_exchange();
    place.until("the resumption", 5, |client| client.resume(resume(Target::Span(1))).ok())?;
    place.attach(&[])?;
    place.until_well(60)?;
    Ok(format!("{} channels out at once, 10 with their calls, all back", channels - 10))
}

/// The far end sends random bits in the D channel's timeslot for three seconds.
pub fn garbage(trunk: Trunk) -> Result<String, String> {
    let mut place = Place::new(trunk)?;
    place.attach(&[])?;
    place.until_well(30)?;
    place.kill_exchange();
    noise(place.lines.first_channel(1)? + i32::from(trunk.line.d_channel().0) - 1).map_err(|e| in_words(&e))?;
    let spoilt = place.until_span("spoilt frames", 10, |span| span.counters.frames_lost > 0)?;
    let calls = simple_calls(&place, 1, 15);
    place.attach(&calls)?;
    place.until_callers(1, 60)?;
    place.finish(60)?;
    Ok(format!("{} spoilt frames counted, then the link again and a call", spoilt.counters.frames_lost))
}

fn noise(channel: i32) -> io::Result<()> {
    let driver = Kernel::default();
    let configure = |signalling| {
        let config = ChannelConfig { channel, signalling, master: channel, law: 1, ..ChannelConfig::BLANK };
        driver.control()?.request(Request::ConfigureChannel(config))
    };
    configure(signalling::CLEAR)?;
    let node = driver.channel()?;
    node.request(Request::Specify(channel))?;
    node.request(Request::SetBuffers(Buffers { number: 4, size: 80, ..Buffers::BLANK }))?;
    let (mut seed, begun) = (1_u64, Instant::now());
    while begun.elapsed() < Duration::from_secs(3) {
        let chunk: [u8; 80] = std::array::from_fn(|_| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 56) as u8
        });
        // Full is full: as much as the line takes.
        while node.write(&chunk).is_err() && begun.elapsed() < Duration::from_secs(3) {
            std::thread::sleep(Duration::from_millis(2));
        }
    }
    drop(node);
    configure(signalling::HDLC_FCS)
}

/// The far span is destroyed for 20 seconds and made again.
pub fn no_signal(trunk: Trunk) -> Result<String, String> {
    let mut place = Place::new(trunk)?;
    let calls = simple_calls(&place, 2, 600);
    place.attach(&calls)?;
    place.until_callers(2, 40)?;
    place.kill_exchange();
    let begun = Instant::now();
    place.lines.destroy(1).map_err(|e| format!("destroy the far span: {e}"))?;
    let alarmed = place.until_span("an alarm", 20, |span| !span.alarms.is_empty())?;
    let after = begun.elapsed().as_secs_f64();
    std::thread::sleep(Duration::from_secs(20));
    place.lines.create(1).map_err(|e| format!("make the far span: {e}"))?;
    let mut calls = simple_calls(&place, 1, 15);
    // For ten seconds after the signal is back the failure still keeps calls away.
    calls[0].after = 15.0;
    place.attach(&calls)?;
    place.until_callers(1, 90)?;
    place.finish(60)?;
    Ok(format!("{} after {after:.1} s, then the link again and a call", alarmed.alarms.join(", ")))
}

/// The daemon is killed under calls with a channel suspended, and started two seconds later.
pub fn killed(trunk: Trunk) -> Result<String, String> {
    let mut place = Place::new(trunk)?;
    let calls = simple_calls(&place, 3, 600);
    place.attach(&calls)?;
    place.until_callers(3, 40)?;
    let target = Target::Channels { span: 1, first: 20, last: 20 };
    place.until("the suspension", 5, |client| client.suspend(Suspend::new(target.clone())).ok())?;
    place.kill_daemon();
    std::thread::sleep(Duration::from_secs(2));
    place.launch()?;
    place.until_span("the link, and the channel still out", 30, |span| {
        span.link == control::LinkState::Up && span.out_of_service == 1
    })?;
    place.kill_exchange();
    let calls = simple_calls(&place, 1, 15);
    place.attach(&calls)?;
    place.until_callers(1, 60)?;
    place.finish(60)?;
    Ok("link up again, the suspended channel still out, and a call".into())
}

fn resume(target: Target) -> Resume {
    Resume { target, hold: Hold::Operator, reason: None, ticket: None }
}
