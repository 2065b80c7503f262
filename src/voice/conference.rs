//! The mix of one conference, and its way to the encoder.
//!
//! Two sums are kept: one of what is said now, for the callers, and one of what was said
//! [`dsp::keyfilter::STREAM_DELAY`] samples ago, for the stream. Tones are for the callers only. The latter is the former of that
//! time, put right where a key was in it; where voices are changed on their way, it is a sum of its own.
//!
//! Words: *pre-roll*, the last of the stream's sum before anybody spoke, handed to the encoder first
//! so that the first word is whole.

use super::comfort::ComfortNoise;
use dsp::g711::Law;
use dsp::keyfilter::STREAM_DELAY;
use dsp::later::Later;
use dsp::mix::Sum;
use dsp::tones::ToneSequence;

/// Samples of pre-roll: longer than it takes to notice that somebody talks, and the stream's delay.
const PRE_ROLL: usize = 3200;

/// A sum that nowhere reaches this far is silence: some lines send the lowest value there is in place of none.
const AS_GOOD_AS_SILENT: i32 = 24;

/// The way to the encoder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stream {
    /// Closed.
    Off,
    /// To be opened as soon as there is a fresh ring.
    Waiting,
    /// Open.
    On,
}

/// The sum of a conference as octets.
struct Shared {
    made: bool,
    octets: Vec<u8>,
}

impl Shared {
    fn new(samples: usize) -> Shared {
        Shared { made: false, octets: vec![0; samples] }
    }
}

/// Where what is streamed comes from.
enum ForStream {
    /// It is what is said now, later.
    Later(Later),
    /// It is added by itself.
    Apart(Sum),
}

/// One conference.
pub struct Mix {
    members: usize,
    /// The tick is over; with the first who speaks the next begins.
    is_over: bool,
    /// Something was added to a sum in the last tick.
    used: bool,
    now: Sum,
    for_stream: ForStream,
    /// What those hear who say nothing, in either law: encoded when the first of them asks in a tick.
    shared: [Shared; 2],
    /// What was said in this tick is kept for the stream.
    kept: bool,
    tone: Option<ToneSequence>,
    tone_chunk: Vec<i16>,
    /// The last samples of the delayed sum, in a circle of whole chunks.
    pre_roll: Vec<i16>,
    pre_roll_at: usize,
    stream: Stream,
    outlet: rtrb::Producer<i16>,
    /// Streams that have ended and whose successor's ring has not come yet.
    owed: u32,
    samples_lost: u64,
    /// Noise for callers while nobody says anything.
    comfort: Option<ComfortNoise>,
    samples_clipped: u64,
    /// Of these, those of conferences that were here before, and those of the present tick.
    clipped_before: u64,
    clipped_now: u64,
}

impl Mix {
    /// An empty conference whose stream goes to this ring.
    ///
    /// # Panics
    /// If the pre-roll is not a whole number of chunks.
    pub fn new(samples: usize, outlet: rtrb::Producer<i16>) -> Self {
        assert!(PRE_ROLL.is_multiple_of(samples), "chunks of 5, 10 or 20 ms go into it without a remainder");
        Mix {
            members: 0,
            is_over: true,
            used: false,
            now: Sum::new(samples),
            for_stream: ForStream::Later(Later::new(samples, STREAM_DELAY / samples)),
            shared: [Shared::new(samples), Shared::new(samples)],
            kept: false,
            tone: None,
            tone_chunk: vec![0; samples],
            pre_roll: vec![0; PRE_ROLL],
            pre_roll_at: 0,
            stream: Stream::Off,
            outlet,
            owed: 0,
            samples_lost: 0,
            comfort: None,
            samples_clipped: 0,
            clipped_before: 0,
            clipped_now: 0,
        }
    }

    /// With a sum for the stream that [`Mix::add_to_stream`] makes: where what is streamed is not what was said.
    pub fn with_stream_apart(self) -> Self {
        let sum = Sum::new(self.tone_chunk.len());
        Mix { for_stream: ForStream::Apart(sum), ..self }
    }

    /// With noise of this level for callers while nobody says anything, if any.
    pub fn with_comfort_noise(self, dbm0: Option<f32>) -> Self {
        Mix { comfort: dbm0.map(ComfortNoise::new), ..self }
    }

    /// Somebody came in.
    pub fn entry_tone(&mut self) {
        self.tone = Some(ToneSequence::entry());
    }

    /// Somebody waits to be let in.
    pub fn knock_tone(&mut self) {
        self.tone = Some(ToneSequence::knock());
    }

    /// Somebody left.
    pub fn exit_tone(&mut self) {
        self.tone = Some(ToneSequence::exit());
    }

    /// Hand the mix to the encoder from now on, pre-roll first; with the next fresh ring if the present one
    /// is used up.
    pub fn open_stream(&mut self) {
        match self.stream {
            Stream::Off if self.owed == 0 => self.begin_stream(),
            Stream::Off => self.stream = Stream::Waiting,
            Stream::Waiting | Stream::On => {}
        }
    }

    /// A fresh ring; the used one is returned, to be dropped where that does no harm. One comes for each
    /// stream that has ended, so the first of several belongs to a stream that has ended as well. One that
    /// nobody asked for takes the place of the present one at once.
    pub fn replace_outlet(&mut self, fresh: rtrb::Producer<i16>) -> rtrb::Producer<i16> {
        let used = std::mem::replace(&mut self.outlet, fresh);
        self.owed = self.owed.saturating_sub(1);
        if self.owed == 0 && self.stream == Stream::Waiting {
            self.begin_stream();
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
        if self.stream != Stream::Off {
            self.stream = Stream::Off;
            self.owed += 1;
        }
        self.tone = None;
        self.pre_roll.fill(0);
    }

    /// Begin a tick, if that has not been done.
    #[inline(always)]
    pub fn begin(&mut self) {
        if self.is_over {
            self.begin_tick();
        }
    }

    #[inline(never)]
    fn begin_tick(&mut self) {
        self.is_over = false;
        if self.used {
            self.now.clear();
            if let ForStream::Apart(sum) = &mut self.for_stream {
                sum.clear();
            }
        }
        (self.used, self.kept) = (false, false);
        self.members = 0;
        for shared in &mut self.shared {
            shared.made = false;
        }
    }

    /// One member more in this tick, whether he says anything or not.
    #[inline(always)]
    pub fn join(&mut self) {
        self.members += 1;
    }

    /// What everybody hears now, and is not streamed. Nobody can be added after it.
    pub fn play(&mut self, now: &[i16]) {
        self.keep();
        self.used = true;
        self.now.add(now);
    }

    /// What a member says now, to be heard by the others: as part of a kernel.
    #[inline(always)]
    pub fn add_within(&mut self, now: &[i16]) {
        self.used = true;
        self.now.add_within(now);
    }

    /// A member did not say this after all.
    pub fn remove(&mut self, now: &[i16]) {
        self.now.remove(now);
    }

    /// What a member said a little while ago, to be streamed; where that has no sum apart it is known already.
    pub fn add_to_stream(&mut self, delayed: &[i16]) {
        if let ForStream::Apart(sum) = &mut self.for_stream {
            self.used = true;
            sum.add(delayed);
        }
    }

    /// What was said in the last ticks, for the stream, to be put right. Of the present tick it holds only what differs from what is
    /// added, until [`Mix::keep`]. When a tick is over, the next is the present one.
    pub fn later(&mut self) -> Option<&mut Later> {
        match &mut self.for_stream {
            ForStream::Later(later) => Some(later),
            ForStream::Apart(_) => None,
        }
    }

    /// All members have spoken: what they said is streamed later.
    fn keep(&mut self) {
        if let ForStream::Later(later) = &mut self.for_stream
            && self.used
            && !self.kept
        {
            later.add(self.now.totals());
        }
        self.kept = true;
    }

    /// The same, and how far the sum goes at most.
    fn keep_and_settle(&mut self) -> i32 {
        match &mut self.for_stream {
            ForStream::Later(later) if self.used && !self.kept => {
                self.kept = true;
                self.now.settle_and_keep(later)
            }
            _ => self.now.settle(),
        }
    }

    /// Everybody was added: make the tone's chunk, serve the encoder.
    pub fn finish(&mut self) {
        self.is_over = true;
        self.clipped_now = 0;
        if self.members == 0 && self.stream != Stream::On {
            self.clipped_before = self.samples_clipped;
            return;
        }
        if let Some(tone) = &mut self.tone {
            self.tone_chunk.fill(0);
            tone.fill(&mut self.tone_chunk);
            if tone.is_finished() {
                self.tone = None;
            }
            self.keep();
            // Summed like one more member, so that what is heard is clamped once.
            self.now.add(&self.tone_chunk);
            self.used = true;
        }
        let peak = self.keep_and_settle();
        self.clipped_now = self.now.clipped();
        self.samples_clipped += self.clipped_now;
        if let Some(comfort) = self.comfort.as_mut().filter(|_| peak < AS_GOOD_AS_SILENT) {
            comfort.fill(&mut self.tone_chunk);
            self.now.add(&self.tone_chunk);
            self.now.settle();
            self.used = true;
        }
        let begin = self.pre_roll_at;
        self.pre_roll_at += self.tone_chunk.len();
        let chunk = &mut self.pre_roll[begin..self.pre_roll_at];
        match &mut self.for_stream {
            ForStream::Later(later) => later.advance(chunk),
            ForStream::Apart(sum) => sum.shared(chunk),
        }
        if self.stream == Stream::On {
            // Silence included: the stream goes on while nobody speaks, and after the last has left.
            self.samples_lost += push(&mut self.outlet, chunk);
        }
        if self.pre_roll_at == PRE_ROLL {
            self.pre_roll_at = 0;
        }
    }

    /// What a member hears who said `own`, or nothing.
    pub fn for_member(&self, own: Option<&[i16]>, out: &mut [i16]) {
        match own {
            Some(own) => self.now.without(own, out),
            None => self.now.shared(out),
        }
    }

    /// The same, to be sent as it is. Those who say nothing all get the same octets.
    /// Returns how many samples were clamped.
    #[inline(always)]
    pub fn encode_for_member(&mut self, own: Option<&[i16]>, law: Law, octets: &mut [u8]) -> u64 {
        match own {
            Some(own) => u64::from(self.now.encode_without(own, law, octets)),
            None => {
                octets.copy_from_slice(self.shared(law));
                self.clipped_now
            }
        }
    }

    /// The octets of those who say nothing.
    #[inline(always)]
    fn shared(&mut self, law: Law) -> &[u8] {
        let shared = &mut self.shared[usize::from(law == Law::A)];
        if !shared.made {
            self.now.encode_shared(law, &mut shared.octets);
            shared.made = true;
        }
        &shared.octets
    }

    /// Samples of the sum for callers that were clamped.
    pub fn samples_clipped(&self) -> u64 {
        self.samples_clipped
    }

    /// The same since this conference began.
    pub fn clipped_since_begun(&self) -> u64 {
        self.samples_clipped - self.clipped_before
    }

    /// Samples of what a member hears in this tick, who said `own`, that are clamped.
    pub fn clipped_for(&self, own: Option<&[i16]>) -> u64 {
        own.map_or(self.clipped_now, |own| self.now.clipped_without(own))
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

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLES: usize = 80;

    fn mix() -> (Mix, rtrb::Consumer<i16>) {
        let (outlet, ring) = rtrb::RingBuffer::new(32_768);
        (Mix::new(SAMPLES, outlet).with_stream_apart(), ring)
    }

    /// One tick in which one member says this, or nobody is there.
    fn tick(mix: &mut Mix, says: Option<i16>) {
        mix.begin();
        if let Some(sample) = says {
            mix.join();
            mix.add_within(&[sample; SAMPLES]);
            mix.add_to_stream(&[sample; SAMPLES]);
        }
        mix.finish();
    }

    fn heard(mix: &Mix) -> [i16; SAMPLES] {
        let mut out = [0; SAMPLES];
        mix.for_member(None, &mut out);
        out
    }

    #[test]
    fn octets_are_those_of_the_samples_in_either_law() {
        let (mut mix, _ring) = mix();
        for says in [30_000, -500] {
            tick(&mut mix, Some(says));
            for law in [Law::Mu, Law::A, Law::Mu] {
                for own in [None, Some([777; SAMPLES])] {
                    let own = own.as_ref().map(|own| &own[..]);
                    let (mut samples, mut octets, mut encoded) = ([0; SAMPLES], [0; SAMPLES], [0; SAMPLES]);
                    mix.for_member(own, &mut samples);
                    dsp::g711::encode(law, &samples, &mut encoded);
                    mix.encode_for_member(own, law, &mut octets);
                    assert_eq!(octets, encoded, "{says} {law:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_too_loud_is_counted_for_everybody_and_for_each() {
        let (mut mix, _ring) = mix();
        let voices = [[20_000; SAMPLES], [20_000; SAMPLES], [-100; SAMPLES]];
        for _ in 0..2 {
            mix.begin();
            for voice in &voices {
                mix.join();
                mix.add_within(voice);
            }
            mix.finish();
        }
        // The sum is 39,900: too much for who only listens and for the third, and right for the two who are loud.
        let heard = voices.each_ref().map(|own| mix.clipped_for(Some(own)));
        assert_eq!((heard, mix.clipped_for(None)), ([0, 0, 80], 80));
        let mut octets = [0; SAMPLES];
        let sent = voices.each_ref().map(|own| mix.encode_for_member(Some(own), Law::Mu, &mut octets));
        assert_eq!((sent, mix.encode_for_member(None, Law::Mu, &mut octets)), ([0, 0, 80], 80));
        assert_eq!((mix.samples_clipped(), mix.clipped_since_begun()), (160, 160));
        // One who nearly takes the others' sum away: only he hears that it is too much.
        mix.begin();
        mix.join();
        mix.add_within(&[-32_000; SAMPLES]);
        mix.add_within(&[20_000; SAMPLES]);
        mix.add_within(&[20_000; SAMPLES]);
        mix.finish();
        let own = [-32_000; SAMPLES];
        assert_eq!((mix.clipped_for(Some(&own)), mix.clipped_for(None)), (80, 0));
        for law in [Law::Mu, Law::A] {
            assert_eq!(mix.encode_for_member(Some(&own), law, &mut octets), 80);
            assert_eq!(mix.encode_for_member(Some(&[-12_000; SAMPLES]), law, &mut octets), 0);
        }
        tick(&mut mix, None);
        assert_eq!((mix.samples_clipped(), mix.clipped_since_begun()), (160, 0), "the next conference begins anew");
    }

    #[test]
    fn the_stream_begins_with_what_was_said_just_before() {
        let (mut mix, mut ring) = mix();
        for n in 0..50 {
            tick(&mut mix, Some(n));
        }
        mix.open_stream();
        assert_eq!(ring.slots(), PRE_ROLL);
        assert_eq!(ring.pop().expect("pre-roll"), 10, "the oldest of 40 ticks");
        tick(&mut mix, Some(50));
        assert_eq!(ring.slots(), PRE_ROLL - 1 + SAMPLES);
    }

    #[test]
    fn a_tone_that_outlasts_the_last_member_is_not_kept_for_the_next() {
        let (mut mix, _ring) = mix();
        tick(&mut mix, Some(0));
        mix.open_stream();
        mix.exit_tone();
        for _ in 0..200 {
            tick(&mut mix, None);
        }
        tick(&mut mix, Some(7));
        assert_eq!(heard(&mix), [7; SAMPLES]);
    }

    #[test]
    fn a_stream_waits_for_the_ring_that_is_meant_for_it() {
        let (mut mix, mut first) = mix();
        let ring = || rtrb::RingBuffer::new(32_768);
        mix.open_stream();
        tick(&mut mix, Some(1));
        mix.close_stream();
        assert_eq!(first.slots(), PRE_ROLL + SAMPLES);
        assert_eq!(first.pop(), Ok(0));
        // Opened and closed again before the office has sent anything: two rings are on their way.
        mix.open_stream();
        tick(&mut mix, Some(2));
        mix.close_stream();
        let (to_second, second) = ring();
        drop(mix.replace_outlet(to_second));
        mix.open_stream();
        tick(&mut mix, Some(3));
        assert_eq!(second.slots(), 0, "that ring's reader went with the second stream");
        let (to_third, mut third) = ring();
        drop(mix.replace_outlet(to_third));
        let pre_roll: Vec<i16> = (0..PRE_ROLL).map(|_| third.pop().expect("pre-roll")).collect();
        assert_eq!(pre_roll[PRE_ROLL - 1], 3, "what was said meanwhile comes first");
        assert!(!pre_roll.contains(&2), "nothing of the stream before");
        tick(&mut mix, Some(4));
        assert_eq!(third.pop(), Ok(4));
    }

    #[test]
    fn a_ring_that_nobody_asked_for_takes_over_at_once() {
        let (mut mix, _gone) = mix();
        mix.open_stream();
        let (outlet, mut ring) = rtrb::RingBuffer::new(1000);
        drop(mix.replace_outlet(outlet));
        tick(&mut mix, Some(5));
        assert_eq!(ring.pop(), Ok(5));
    }
}
