//! The mix of one conference, and its way to the encoder.
//!
//! Two sums are kept: one of what is said now, for the callers, and one of what was said
//! [`dsp::keyfilter::STREAM_DELAY`] samples ago, for the stream. Tones are for the callers only.
//!
//! Words: *pre-roll*, the last of the stream's sum before anybody spoke, handed to the encoder first
//! so that the first word is whole.

use dsp::mix::Sum;
use dsp::tones::ToneSequence;

/// Samples of pre-roll: longer than it takes to notice that somebody talks, and the stream's delay.
const PRE_ROLL: usize = 3200;

/// The way to the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    /// Closed, with a ring nobody has used.
    Off,
    /// Closed, and the ring belongs to the stream that has ended.
    Used,
    /// To be opened as soon as there is a fresh ring.
    Waiting,
    /// Open.
    On,
}

/// One conference.
pub struct Mix {
    members: usize,
    now: Sum,
    delayed: Sum,
    tone: Option<ToneSequence>,
    tone_chunk: Vec<i16>,
    chunk: Vec<i16>,
    /// The last samples of the delayed sum, in a circle.
    pre_roll: Vec<i16>,
    pre_roll_at: usize,
    stream: Stream,
    outlet: rtrb::Producer<i16>,
    samples_lost: u64,
}

impl Mix {
    /// An empty conference whose stream goes to this ring.
    pub fn new(samples: usize, outlet: rtrb::Producer<i16>) -> Self {
        Mix {
            members: 0,
            now: Sum::new(samples),
            delayed: Sum::new(samples),
            tone: None,
            tone_chunk: vec![0; samples],
            chunk: vec![0; samples],
            pre_roll: vec![0; PRE_ROLL],
            pre_roll_at: 0,
            stream: Stream::Off,
            outlet,
            samples_lost: 0,
        }
    }

    /// Somebody came in.
    pub fn entry_tone(&mut self) {
        self.tone = Some(ToneSequence::entry());
    }

    /// Somebody left.
    pub fn exit_tone(&mut self) {
        self.tone = Some(ToneSequence::exit());
    }

    /// Hand the mix to the encoder from now on, pre-roll first; with the next fresh ring if the present one
    /// is used up.
    pub fn open_stream(&mut self) {
        match self.stream {
            Stream::Off => self.begin_stream(),
            Stream::Used => self.stream = Stream::Waiting,
            Stream::Waiting | Stream::On => {}
        }
    }

    /// A fresh ring; the used one is returned, to be dropped where that does no harm.
    pub fn replace_outlet(&mut self, fresh: rtrb::Producer<i16>) -> rtrb::Producer<i16> {
        let used = std::mem::replace(&mut self.outlet, fresh);
        match self.stream {
            Stream::Waiting => self.begin_stream(),
            Stream::Used => self.stream = Stream::Off,
            Stream::Off | Stream::On => {}
        }
        used
    }

    fn begin_stream(&mut self) {
        self.stream = Stream::On;
        let (newer, older) = self.pre_roll.split_at(self.pre_roll_at);
        for part in [older, newer] {
            self.samples_lost += push(&mut self.outlet, part);
        }
    }

    /// No more; nothing of this event is kept.
    pub fn close_stream(&mut self) {
        self.stream = match self.stream {
            Stream::On | Stream::Used | Stream::Waiting => Stream::Used,
            Stream::Off => Stream::Off,
        };
        self.tone = None;
        self.pre_roll.fill(0);
    }

    /// Begin a tick.
    pub fn begin(&mut self) {
        if self.members > 0 {
            self.now.clear();
            self.delayed.clear();
        }
        self.members = 0;
    }

    /// One member more in this tick, whether he says anything or not.
    pub fn join(&mut self) {
        self.members += 1;
    }

    /// What a member says.
    pub fn add(&mut self, now: &[i16], delayed: &[i16]) {
        self.now.add(now);
        self.delayed.add(delayed);
    }

    /// Everything was added: make the tone's chunk, serve the encoder.
    pub fn finish(&mut self) {
        if self.members == 0 && self.stream != Stream::On {
            return;
        }
        self.tone_chunk.fill(0);
        if let Some(tone) = &mut self.tone {
            tone.fill(&mut self.tone_chunk);
            if tone.is_finished() {
                self.tone = None;
            }
        }
        // Summed like one more member, so that what is heard is clamped once.
        self.now.add(&self.tone_chunk);
        self.delayed.shared(&mut self.chunk);
        if self.stream == Stream::On {
            // Silence included: the stream goes on while nobody speaks, and after the last has left.
            self.samples_lost += push(&mut self.outlet, &self.chunk);
        } else {
            for &sample in &self.chunk {
                self.pre_roll[self.pre_roll_at] = sample;
                self.pre_roll_at = (self.pre_roll_at + 1) % PRE_ROLL;
            }
        }
    }

    /// What a member hears who said `own`, or nothing.
    pub fn for_member(&self, own: Option<&[i16]>, out: &mut [i16]) {
        match own {
            Some(own) => self.now.without(own, out),
            None => self.now.shared(out),
        }
    }

    /// Samples the encoder's ring had no room for.
    pub fn samples_lost(&self) -> u64 {
        self.samples_lost
    }
}

fn push(outlet: &mut rtrb::Producer<i16>, samples: &[i16]) -> u64 {
    let (_, rest) = outlet.push_partial_slice(samples);
    rest.len() as u64
}
