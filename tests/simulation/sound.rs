//! With sound: the engine on a software card that loses frames, slips and goes into alarm; callers of the
//! exchange who key with tones and speak. One thread, one tick after the other, a virtual clock.

use crate::random::Random;
use crate::world::{self, AFTERMATH, HOUR, PORTS, Tally};
use board_loopback::faults::FrameChances;
use board_loopback::{FaultPlan, FaultyCard, LoopbackCard};
use dsp::tones::DtmfSequence;
use exchange::{Clip, Digits, Exchange, Prepared, Step};
use hal::{Alarms, Card, ChunkLength, Line};
use std::sync::Arc;
use std::time::Duration;
use trunkcast::prompts::{Sounds, wav};
use trunkcast::realtime::{Engine, EngineCard, Turn};
use trunkcast::voice::{self, VoicePath};

const TICK: ChunkLength = ChunkLength::Ms20;

/// An hour, and what comes after it.
pub fn run(seed: u64) -> Tally {
    let mut random = Random::new(seed);
    let switch = *random.pick(&[isdn::Switch::Ni2, isdn::Switch::Ess5]);
    let (keyring, events) = world::events(&mut random);

    let mut builder = LoopbackCard::builder("near");
    builder.delay_ms(40);
    let far_end = builder.span_to_exchange(Line::T1);
    let loss = random.below(15) as f64 / 1000.0;
    let chances = FrameChances { lose: loss, ..FrameChances::default() };
    let plan = FaultPlan {
        received: chances,
        sent: chances,
        slip: 0.000_02,
        alarm: 0.000_01,
        alarms: Alarms::LOS,
        alarm_ticks: 25..=3000,
        ..FaultPlan::default()
    };
    let card = FaultyCard::new(Box::new(builder.build()), seed, plan);
    let far = far_end.attach("far").expect("free");
    let mut exchange =
        Exchange::builder(TICK).card("gateway", Box::new(far), switch).start(Duration::ZERO).expect("started");

    let sounds = Arc::new(Sounds::english());
    let (outlets, mut rings): (Vec<_>, Vec<_>) = (0..PORTS).map(|_| rtrb::RingBuffer::<i16>::new(16_000)).unzip();
    let voice = VoicePath::new(&[Line::T1], TICK, voice::Settings::default(), sounds, outlets);
    let gateway = world::gateway(keyring, switch, conference::Policy::default());
    let running = Box::new(card).start(TICK).expect("started");
    let (reports, mut told) = rtrb::RingBuffer::new(65_536);
    let (used, _used) = rtrb::RingBuffer::new(1024);
    let cards = vec![EngineCard { traffic: running.traffic, lines: vec![Line::T1] }];
    let mut engine = Engine::new(gateway, voice, cards, reports, used);
    let clip: Clip = Arc::from(wav::read(include_bytes!("../../assets/speech/a1.wav")).expect("a WAV file"));

    let mut tally = Tally::default();
    let mut now = Duration::ZERO;
    let mut next_call = Duration::from_secs(5);
    let mut keys_in_streams = 0;
    let mut detector = dsp::dtmf::DtmfReceiver::new();
    engine.start(now);
    // An alarm may begin in the last minute: then the D channel gets its time to return.
    let end = HOUR + AFTERMATH;
    while now < end || (!engine.gateway().link_up(0) && now < end + AFTERMATH) {
        now += TICK.duration();
        if now < HOUR && now >= next_call {
            next_call = now + random.ms(1000, 60_000);
            let script = script(&mut random, &events, &clip);
            exchange.dial(now, Prepared::from_script("100", script, exchange::Sink::None));
        }
        if now >= HOUR && now < HOUR + TICK.duration() * 2 {
            exchange.hang_up_all(now);
        }
        assert_eq!(engine.tick(now), Turn::Ticked, "the two ends keep pace");
        exchange.tick(now);
        while let Ok(report) = told.pop() {
            tally.note(&report.what);
        }
        // What would be encoded: taken out as an encoder would, and searched for keys on the first port.
        for (port, ring) in rings.iter_mut().enumerate() {
            let waiting = ring.slots();
            let Ok(chunk) = ring.read_chunk(waiting) else { continue };
            let (one, two) = chunk.as_slices();
            if port == 0 {
                for part in [one, two] {
                    detector.process(part, &mut |event| {
                        keys_in_streams += u32::from(matches!(event, dsp::dtmf::KeyEvent::Down { .. }));
                    });
                }
            }
            chunk.commit_all();
        }
        world::check(engine.gateway());
    }
    world::check_end(engine.gateway());
    assert_eq!(engine.voice().open_channels(), 0, "legs left open");
    assert_eq!(engine.reports_lost(), 0);
    assert_eq!(engine.voice().stream_samples_lost(), 0);
    assert_eq!(exchange.calls(), 0, "the exchange still has calls");
    assert_eq!(keys_in_streams, 0, "a keyed digit in a stream");
    tally
}

fn keys(digits: &str) -> Step {
    // As fast as a telephone's own memory dials, which is the hardest to follow.
    let digits = Digits::new(digits).expect("keys");
    debug_assert!(DtmfSequence::new(digits.reveal(), 70, 70, -12.0).is_ok());
    Step::Key { digits, on_ms: 70, off_ms: 70, level_dbm0: -12.0 }
}

fn script(random: &mut Random, events: &[world::KnownEvent], clip: &Clip) -> Vec<Step> {
    let ms = |d: Duration| d.as_millis() as u32;
    let mut script = vec![Step::Wait { ms: ms(random.ms(300, 5000)) }];
    for _ in 0..1 + random.below(3) {
        let (number, pin) = world::entry(random, events);
        script.push(keys(&format!("{number}#")));
        script.push(Step::Wait { ms: ms(random.ms(300, 4000)) });
        script.push(keys(&format!("{pin}#")));
        script.push(Step::Wait { ms: ms(random.ms(1000, 8000)) });
        if random.once_in(2) {
            break;
        }
    }
    script.push(Step::SpeakLoop { clips: vec![clip.clone()], pause_ms: 3000, times: Some(1 + random.below(8) as u32) });
    if random.once_in(20) {
        script.push(keys("*399"));
        script.push(Step::Wait { ms: 20_000 });
    }
    script.push(Step::HangUp);
    // Some hang up long before that.
    if random.once_in(4) {
        script.truncate(1 + random.below(4) as usize);
        script.push(Step::HangUp);
    }
    script
}
