//! Comparing what comes back with a test pattern.
//!
//! The receiver finds the pattern by itself: it watches whether each bit follows from those before it. Once it is
//! sure it lets a generator of its own run beside the received bits, so that a wrong bit counts once, however many
//! stages it would have gone through.
//!
//! ```text
//!            enough bits follow from one another
//!  Waiting ──────────────────────────────────────► InSync ◄─┐ likewise
//!                                                    │      │
//!                one bit in five wrong of the last 512,     │
//!                or a fixed pattern is found at another place
//!                                                    └────► Lost
//! ```
//!
//! Data path: octets of the timeslots → here → [`Report`].
//! Time: counted in octets; a second is 8,000 octets of each timeslot.
//! Source: ITU-T O.150, O.151: synchronism is lost when one bit in five is wrong. They look at a whole second; 512
//! bits are enough to be sure and let a test go on 8 ms after a slip of a timeslot.

use super::Width;
use super::pattern::{Pattern, Shape, Source, UserPattern};
use crate::SAMPLE_RATE;

/// Where a receiver stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Sync {
    /// The pattern has not been found yet.
    #[default]
    Waiting,
    /// Each bit is compared.
    InSync,
    /// The pattern was there and is looked for again.
    Lost,
}

impl std::fmt::Display for Sync {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting for sync",
            Self::InSync => "in sync",
            Self::Lost => "sync lost",
        })
    }
}

/// What a receiver has found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Report {
    /// Where it stands now.
    pub sync: Sync,
    /// The pattern was last seen with all bits turned over against O.150.
    pub inverted: bool,
    /// Bits compared.
    pub bits: u64,
    /// Bits of them that were wrong. What is compared in vain before a loss of synchronism is noticed is in neither.
    pub bit_errors: u64,
    /// Times the pattern was lost. A slip is one.
    pub sync_losses: u64,
    /// Whole seconds since the receiver was made.
    pub seconds: u64,
    /// Of them, those in sync from end to end.
    pub seconds_in_sync: u64,
    /// Of them, since the pattern was first found, those with a wrong bit or not in sync from end to end.
    pub errored_seconds: u64,
}

impl Report {
    /// Wrong bits for each bit compared; none before there was one.
    #[must_use]
    pub fn error_rate(&self) -> Option<f64> {
        (self.bits > 0).then(|| self.bit_errors as f64 / self.bits as f64)
    }
}

/// Bits that have to follow from those before them, after a register full. Of noise, one bit in 2^39 begins such a
/// run: years of a timeslot.
const RUN_OF_SEQUENCE: u32 = 40;
/// The same for fixed patterns: two turns of the longest.
const RUN_OF_TURNS: u32 = 64;
/// Bits looked back at for a loss of synchronism.
const WINDOW: u32 = 512;
/// Wrong bits among them that are too many: more than one in five.
const TOO_MANY: u32 = WINDOW / 5;

/// Finds a pattern and compares it.
#[derive(Debug, Clone)]
pub struct Receiver {
    pattern: Pattern,
    width: Width,
    octets_a_second: u64,
    /// The last bits received, the newest lowest.
    last: u64,
    received: u32,
    /// Bits together that followed from those before them, as they are and turned over.
    runs: [u32; 2],
    /// Runs beside the received bits once in sync.
    reference: Source,
    flip: u32,
    window: [u64; (WINDOW / 64) as usize],
    window_place: u32,
    window_bits: u32,
    window_errors: u32,
    /// Bits compared since the last wrong one.
    since_error: u32,
    octets: u64,
    /// This second: begun with the pattern found, in sync all the time, without a wrong bit.
    counts: bool,
    whole: bool,
    clean: bool,
    found: bool,
    report: Report,
}

impl Receiver {
    /// A receiver of a pattern over so many timeslots together (at least one).
    #[must_use]
    pub fn new(pattern: Pattern, width: Width, timeslots: usize) -> Self {
        Self {
            pattern,
            width,
            octets_a_second: u64::from(SAMPLE_RATE) * timeslots.max(1) as u64,
            last: 0,
            received: 0,
            runs: [0; 2],
            reference: Source::new(pattern),
            flip: 0,
            window: [0; (WINDOW / 64) as usize],
            window_place: 0,
            window_bits: 0,
            window_errors: 0,
            since_error: RUN_OF_TURNS,
            octets: 0,
            counts: false,
            whole: false,
            clean: true,
            found: false,
            report: Report::default(),
        }
    }

    /// What has been found so far.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report
    }

    /// Compares a chunk: of one timeslot, or of several as [`super::gather`] puts them together.
    pub fn process(&mut self, octets: &[u8]) {
        for &octet in octets {
            for place in (8 - self.width.bits()..8).rev() {
                self.bit(u32::from(octet >> place & 1));
            }
            self.octets += 1;
            if self.octets == self.octets_a_second {
                self.second();
            }
        }
    }

    fn second(&mut self) {
        self.octets = 0;
        self.report.seconds += 1;
        self.report.seconds_in_sync += u64::from(self.whole);
        self.report.errored_seconds += u64::from(!self.clean || self.counts && !self.whole);
        self.counts = self.found;
        self.whole = self.report.sync == Sync::InSync;
        self.clean = true;
    }

    fn bit(&mut self, bit: u32) {
        self.last = self.last << 1 | u64::from(bit);
        self.received = self.received.saturating_add(1);
        if self.report.sync == Sync::InSync {
            self.compare(bit);
        } else {
            self.hunt(bit);
        }
    }

    fn hunt(&mut self, bit: u32) {
        match self.pattern.shape() {
            Shape::Random(register) => {
                // The bit at distance n is n places up; the newest is this one.
                let before = |distance: u32| (self.last >> distance) as u32 & 1;
                let odd = bit ^ before(register.tap) ^ before(register.stages);
                self.runs = if self.received <= register.stages {
                    [0, 0]
                } else {
                    [if odd == 0 { self.runs[0] + 1 } else { 0 }, if odd == 1 { self.runs[1] + 1 } else { 0 }]
                };
                for flip in 0..2_u32 {
                    if self.runs[flip as usize] < RUN_OF_SEQUENCE {
                        continue;
                    }
                    // Oldest lowest, as the register of a source has it.
                    let newest_first = (self.last as u32 ^ flip.wrapping_neg()) & ((1 << register.stages) - 1);
                    let state = newest_first.reverse_bits() >> (32 - register.stages);
                    // Zeros follow from zeros for ever, and are no sequence.
                    if state != 0 {
                        let mut reference = Source::at(self.pattern, state);
                        // The register holds what has been received; the next to come is a register further on.
                        for _ in 0..register.stages {
                            reference.next_bit();
                        }
                        return self.lock(reference, flip);
                    }
                }
            }
            Shape::Fixed(turn) => {
                if self.received >= RUN_OF_TURNS
                    && let Some((place, flip)) = self.place_of(turn)
                {
                    self.lock(Source::at(self.pattern, u32::from(place)), flip);
                }
            }
        }
    }

    /// Where in its turn a fixed pattern goes on, when the last bits are nothing but it: as it is rather than turned
    /// over, where both can be said.
    fn place_of(&self, turn: UserPattern) -> Option<(u8, u32)> {
        let length = u32::from(turn.length());
        // What does not repeat is no turn; this spares looking at every place bit by bit.
        if (self.last ^ self.last >> length) & (u64::MAX >> length) != 0 {
            return None;
        }
        (0..2).flat_map(|flip| (0..length).map(move |place| (place, flip))).find_map(|(place, flip)| {
            let mut oldest = Source::at(self.pattern, (place + length - RUN_OF_TURNS % length) % length);
            let same = (0..RUN_OF_TURNS).rev().all(|at| oldest.next_bit() ^ flip == (self.last >> at) as u32 & 1);
            same.then_some((place as u8, flip))
        })
    }

    fn lock(&mut self, reference: Source, flip: u32) {
        self.reference = reference;
        self.flip = flip;
        self.window = [0; (WINDOW / 64) as usize];
        (self.window_place, self.window_bits, self.window_errors) = (0, 0, 0);
        self.since_error = RUN_OF_TURNS;
        self.found = true;
        self.report.sync = Sync::InSync;
        self.report.inverted = (flip == 1) != self.pattern.sent_inverted();
    }

    fn compare(&mut self, bit: u32) {
        let wrong = self.reference.next_bit() ^ self.flip ^ bit;
        let (word, mask) = ((self.window_place / 64) as usize, 1_u64 << (self.window_place % 64));
        self.window_errors -= u32::from(self.window[word] & mask != 0);
        self.window[word] = self.window[word] & !mask | if wrong == 1 { mask } else { 0 };
        self.window_errors += wrong;
        self.window_place = (self.window_place + 1) % WINDOW;
        self.window_bits = (self.window_bits + 1).min(WINDOW);

        self.report.bits += 1;
        self.report.bit_errors += u64::from(wrong);
        self.clean &= wrong == 0;
        self.since_error = if wrong == 1 { 0 } else { self.since_error.saturating_add(1) };
        if self.window_errors > TOO_MANY || self.turned() {
            self.lose();
        }
    }

    /// Whether a fixed pattern has been whole at another place for as long as it takes to find it.
    fn turned(&self) -> bool {
        match self.pattern.shape() {
            Shape::Fixed(turn) => self.since_error < RUN_OF_TURNS && self.place_of(turn).is_some(),
            Shape::Random(_) => false,
        }
    }

    fn lose(&mut self) {
        self.report.bits -= u64::from(self.window_bits);
        self.report.bit_errors -= u64::from(self.window_errors);
        self.report.sync = Sync::Lost;
        self.report.sync_losses += 1;
        (self.whole, self.clean) = (false, false);
        self.runs = [0; 2];
        self.received = 0;
    }
}
