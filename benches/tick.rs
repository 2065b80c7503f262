//! The work of a tick: a span full of callers, in one conference or in many, all of them talking.
//!
//! What is measured is `Engine::tick` alone: 30 channels received, decoded, searched for keys, mixed,
//! encoded and sent, D channel and gateway included; the exchange at the far end is not.

use board_loopback::LoopbackCard;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use event::{EventNumber, Keyring, Role};
use exchange::{Clip, Digits, Exchange, Prepared, Step};
use hal::{Card, ChunkLength, Line};
use std::sync::Arc;
use std::time::{Duration, Instant};
use trunkcast::gateway::{Gateway, Settings};
use trunkcast::prompts::{Sounds, wav};
use trunkcast::realtime::{Engine, EngineCard};
use trunkcast::voice::{self, VoicePath};

struct Bench {
    engine: Engine,
    exchange: Exchange,
    rings: Vec<rtrb::Consumer<i16>>,
    reports: rtrb::Consumer<trunkcast::reports::Report>,
    tick: ChunkLength,
    now: Duration,
}

impl Bench {
    /// A span of 30 channels with `callers` in `events` conferences, all joined and talking.
    fn new(tick: ChunkLength, callers: usize, events: usize) -> Bench {
        let keyring = Keyring::random();
        let numbers: Vec<EventNumber> = (0..events).map(|_| EventNumber::random(keyring.current())).collect();
        let pins: Vec<String> =
            numbers.iter().map(|n| keyring.pin(*n, Role::Speaker).expect("current").as_str().to_owned()).collect();
        let mut builder = LoopbackCard::builder("near");
        builder.delay_ms(tick.milliseconds() * 2);
        let far_end = builder.span_to_exchange(Line::E1);
        let running = Box::new(builder.build()).start(tick).expect("started");
        let far = far_end.attach("far").expect("free");
        let switch = isdn::Switch::EuroIsdn;
        let exchange =
            Exchange::builder(tick).card("gateway", Box::new(far), switch).start(Duration::ZERO).expect("started");
        let gateway = Gateway::new(Settings {
            ports: 32,
            port_reuse: Duration::from_secs(60),
            linger: Duration::from_secs(60),
            ..Settings::new(vec![(Line::E1, switch)], keyring)
        });
        let sounds = Arc::new(Sounds::english());
        let (outlets, rings) = (0..32).map(|_| rtrb::RingBuffer::<i16>::new(16_000)).unzip();
        let voice = VoicePath::new(&[Line::E1], tick, voice::Settings::default(), sounds, outlets);
        let (sender, reports) = rtrb::RingBuffer::new(4096);
        let (used, _) = rtrb::RingBuffer::new(64);
        let cards = vec![EngineCard { traffic: running.traffic, lines: vec![Line::E1] }];
        let mut engine = Engine::new(gateway, voice, cards, sender, used);
        engine.start(Duration::ZERO);
        let mut bench = Bench { engine, exchange, rings, reports, tick, now: Duration::ZERO };
        bench.run(100);
        let clip: Clip = Arc::from(wav::read(include_bytes!("../assets/speech/lecture.wav")).expect("a WAV file"));
        let keys = |digits: &str| Step::Key {
            digits: Digits::new(digits).expect("keys"),
            on_ms: 60,
            off_ms: 60,
            level_dbm0: -10.0,
        };
        for caller in 0..callers {
            let script = vec![
                Step::Wait { ms: 1000 },
                keys(&numbers[caller % events].to_string()),
                Step::Wait { ms: 500 },
                keys(&pins[caller % events]),
                Step::SpeakLoop { clips: vec![clip.clone()], pause_ms: 0, times: None },
            ];
            let now = bench.now;
            bench.exchange.dial(now, Prepared::from_script("100", script, exchange::Sink::None));
        }
        bench.run(12_000 / u64::from(tick.milliseconds()));
        assert_eq!(bench.engine.gateway().calls().filter(|(_, _, conference)| conference.is_some()).count(), callers);
        bench
    }

    /// So many ticks; the time spent in the engine.
    fn run(&mut self, ticks: u64) -> Duration {
        let mut spent = Duration::ZERO;
        for _ in 0..ticks {
            self.now += self.tick.duration();
            let begun = Instant::now();
            self.engine.tick(self.now);
            spent += begun.elapsed();
            self.exchange.tick(self.now);
            while self.reports.pop().is_ok() {}
            for ring in &mut self.rings {
                let waiting = ring.slots();
                if let Ok(chunk) = ring.read_chunk(waiting) {
                    chunk.commit_all();
                }
            }
        }
        spent
    }
}

fn ticks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("tick");
    for tick in [ChunkLength::Ms5, ChunkLength::Ms10, ChunkLength::Ms20] {
        for (callers, events) in [(30, 1), (30, 10), (1, 1)] {
            let mut bench = Bench::new(tick, callers, events);
            group.throughput(Throughput::Elements(callers as u64));
            group.bench_function(format!("{} ms, {callers} callers in {events}", tick.milliseconds()), |b| {
                b.iter_custom(|count| bench.run(count));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, ticks);
criterion_main!(benches);
