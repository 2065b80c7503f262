//! A daemon and, at the far end of its span, an exchange within the test: callers do what a script says, and what each hears is kept.
//!
//! The daemon is a process and offers the far end on a socket; the exchange takes it as a card.
//!
//! Time: the real clock.

use board_e1d::wire::LineAddress;
use board_e1d::{CardSettings, E1dCard, LineAt, SpanSettings};
use control::{ConferenceInfo, ConferenceOrder, Reservation, Reserve};
use dsp::align::align_pieces;
use exchange::{CallerId, Clip, Digits, Exchange, Extension, Handle, Prepared, Sink, Step};
use hal::{ChunkLength, Line};
use hw_tests::daemon::Daemon;
use hw_tests::sound;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;

pub const PATIENCE: Duration = Duration::from_secs(60);
/// What is kept of what each side hears: three minutes.
const KEPT: usize = 180 * 8000;
/// Level of each tone of a key, in dBm0.
pub const KEYED_DBM0: f32 = -11.0;

pub fn asset(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets").join(name).canonicalize().expect("there")
}

pub fn clip(name: &str) -> Clip {
    Arc::from(sound::read(&asset(name)))
}

pub fn key(digits: &str) -> Step {
    Step::Key { digits: Digits::new(digits).expect("keys"), on_ms: 80, off_ms: 80, level_dbm0: KEYED_DBM0 }
}

pub const fn wait(ms: u32) -> Step {
    Step::Wait { ms }
}

/// An E1 with an event reserved on it.
pub struct Place {
    pub daemon: Daemon,
    pub exchange: Handle,
    pub event: Reservation,
    _folder: TempDir,
}

impl Place {
    /// With these rules in the configuration, and these subscribers of the exchange.
    pub fn new(rules: &str, extensions: Vec<Extension>) -> Place {
        let folder = TempDir::new().expect("a folder");
        let socket = folder.path().join("far-end");
        let mut daemon = Daemon::prepare(
            "",
            "linger_s = 1",
            &format!(
                "[[card]]\nboard = \"loopback\"\nname = \"soft0\"\n[[card.span]]\nline = \"E1\"\nswitch = \"euroisdn\"\n\
                 far_end = \"socket\"\nsocket = {socket:?}\n{rules}"
            ),
        );
        daemon.launch();
        let at = LineAt(LineAddress { interface: 0, line: 0 });
        let spans = vec![SpanSettings { at, line: Line::E1 }];
        let card = E1dCard::find(CardSettings { name: "far".into(), socket, reserve_ms: 20, spans }).expect("found");
        let exchange =
            Exchange::builder(ChunkLength::Ms10).card("gateway", Box::new(card), isdn::Switch::EuroIsdn).remember(KEPT);
        let exchange = extensions.into_iter().fold(exchange, |exchange, extension| exchange.extension(extension));
        let exchange = exchange.start(Duration::ZERO).expect("started").spawn().expect("a thread");
        daemon.wait_for("the link", PATIENCE, |client| {
            client.spans().ok()?.iter().all(|span| span.link == control::LinkState::Up).then_some(())
        });
        assert!(exchange.wait_for_link(PATIENCE), "the link is up for the exchange too");
        let event = daemon.client().reserve(Reserve { title: "By keys".into(), ..Reserve::default() });
        Place { daemon, exchange, event: event.expect("reserved"), _folder: folder }
    }

    pub fn dial(&self, script: Vec<Step>) -> CallerId {
        self.exchange.dial_prepared(Prepared::from_script("5550100", script, Sink::memory(KEPT))).expect("dialled")
    }

    /// What somebody keys who comes in with this PIN.
    pub fn enters(&self, pin: &str) -> Vec<Step> {
        vec![wait(1000), key(&format!("{}#", self.event.event)), wait(1500), key(&format!("{pin}#"))]
    }

    pub fn until(&self, what: &str, is: impl Fn(&ConferenceInfo) -> bool) -> ConferenceInfo {
        self.daemon.wait_for(what, PATIENCE, |client| client.conference(&self.event.event).ok().filter(&is))
    }

    pub fn order(&self, order: ConferenceOrder) {
        self.daemon.client().order_conference(&self.event.event, order).expect("carried out");
    }

    /// All that one side has heard, when its call is over.
    pub fn heard(&self, id: CallerId) -> Vec<i16> {
        self.exchange.hang_up(id);
        self.daemon.wait_for("the end of a call", PATIENCE, |_| self.exchange.take_ended(id)).samples
    }
}

/// How much of a sound of ours is in what was heard, 1 being all of it, and where.
pub fn found(name: &str, heard: &[i16]) -> (f64, usize) {
    let found = search(&clip(name), heard);
    println!("{name}: {:.3} at {} ms", found.0, found.1 / 8);
    found
}

/// How much of a sound is in what was heard, by its energy, and how many samples later its beginning is. Piece by piece: on a busy machine a
/// line slips, which spoils one of them and moves the others.
pub fn alike(sound: &[i16], heard: &[i16]) -> Option<(f64, i64)> {
    const PIECE: usize = 1600;
    const SLIPS: u32 = 400;
    // All of a length: of less than 50 ms nothing is found.
    let piece = sound.len().div_ceil((sound.len() / PIECE).max(1));
    let energies = sound.chunks(piece).map(|piece| piece.iter().map(|&sample| f64::from(sample).powi(2)).sum::<f64>());
    let pieces = align_pieces(sound, heard, piece, SLIPS);
    let lag = pieces.iter().flatten().next()?.lag;
    let (found, all) = pieces.iter().zip(energies).fold((0.0, 0.0), |(found, all), (piece, energy)| {
        (found + energy * piece.as_ref().map_or(0.0, |piece| piece.correlation), all + energy)
    });
    Some((found / all, lag))
}

/// Where a sound is found first, or how much of it where there is most: in a long recording whatever is louder would hide a short
/// one, so pieces are looked at.
pub fn search(sound: &[i16], heard: &[i16]) -> (f64, usize) {
    const STEP: usize = 4 * 8000;
    let mut best = (0.0, 0);
    for from in (0..heard.len()).step_by(STEP) {
        let piece = &heard[from..heard.len().min(from + STEP + sound.len() + 800)];
        if let Some((found, lag)) = alike(sound, piece).filter(|(found, _)| *found > best.0) {
            best = (found, from + usize::try_from(lag).unwrap_or(0));
        }
        if best.0 > 0.95 {
            break;
        }
    }
    best
}

/// Wait for so much quiet, or so long.
pub const fn quiet(quiet_ms: u32, at_most_ms: u32) -> Step {
    Step::WaitForQuiet { below_dbm0: -45.0, quiet_ms, at_most_ms }
}

/// Wait for something that is said, or so long.
pub const fn sound(at_most_ms: u32) -> Step {
    Step::WaitForSound { above_dbm0: -40.0, sound_ms: 200, at_most_ms }
}

/// English prompts one after the other, as they are put together; `/` is the pause between two keys.
pub fn told(parts: &str) -> Vec<i16> {
    let part = |name: &str| match name {
        "/" => vec![0; 2400],
        name => clip(&format!("prompts/en/{name}.wav")).to_vec(),
    };
    parts.split(' ').flat_map(part).collect()
}

/// Asserts that each of these sentences, as [`told`] takes them, is in what was heard, whole, and after the one before.
pub fn heard_in_turn(sentences: &[&str], heard: &[i16]) {
    let mut before = 0;
    for sentence in sentences {
        let (found, at) = search(&told(sentence), &heard[before..]);
        println!("{sentence}: {found:.3} at {} ms", (before + at) / 8);
        assert!(found > 0.8, "\"{sentence}\" is not heard whole and in its turn: {sentences:?}");
        before += at;
    }
}
