//! Names that callers have said at the door: kept as octets, and played to others.
//!
//! Nothing is kept unless there is room for it ([`Names::with_room`]). A name stays until its channel is asked for another, so that it
//! can be told who has left.
//!
//! Data path: what a caller says after the tone, less keys → A-law → added to what others hear.
//! Time: counted in samples. Nothing here allocates after construction.

use dsp::g711::Law;
use dsp::tones::ToneSequence;

/// Samples a name may have: three seconds.
pub const LONGEST: usize = 24_000;
/// From this amplitude on a sample is taken for speech, about -40 dBm0.
const VOICED: i16 = 250;
/// Samples of speech that a name has at least: a tenth of a second of them, which are spread over three times as much.
const SHORTEST: usize = 800;
/// Samples kept before the first of speech and after the last.
const MARGIN: usize = 800;
/// Names are kept in one law, whatever line they came from.
const LAW: Law = Law::A;

#[derive(Clone, Debug, Default)]
#[allow(clippy::large_enum_variant, reason = "kept by value so that the real-time thread need not allocate")]
enum Stage {
    #[default]
    Idle,
    /// The tone sounds.
    Tone(ToneSequence),
    /// What is said is kept.
    Saying,
}

#[derive(Clone, Debug, Default)]
struct Slot {
    stage: Stage,
    /// Samples said so far.
    said: usize,
    voiced: usize,
    /// Where speech begins and ends.
    first: usize,
    last: usize,
    /// What of another's name is being played to this one: whose, and how far.
    playing: Option<(usize, usize)>,
}

/// The names of all channels.
#[derive(Default)]
pub struct Names {
    slots: Vec<Slot>,
    octets: Vec<u8>,
}

impl Names {
    /// With room for a name of each of so many channels.
    pub fn with_room(channels: usize) -> Names {
        Names { slots: vec![Slot::default(); channels], octets: vec![0; channels * LONGEST] }
    }

    /// Sound the tone, then keep what is said; false when there is no room for names.
    pub fn record(&mut self, channel: usize) -> bool {
        let Some(slot) = self.slots.get_mut(channel) else { return false };
        *slot = Slot { stage: Stage::Tone(ToneSequence::record()), ..Slot::default() };
        true
    }

    /// That was the name. Whether it is more than silence; `None`: none was being kept.
    pub fn keep(&mut self, channel: usize) -> Option<bool> {
        let slot = self.slots.get_mut(channel)?;
        match std::mem::take(&mut slot.stage) {
            Stage::Idle => None,
            Stage::Tone(_) | Stage::Saying => Some(slot.voiced >= SHORTEST),
        }
    }

    /// Nobody is there any more; his name stays.
    pub fn close(&mut self, channel: usize) {
        if let Some(slot) = self.slots.get_mut(channel) {
            (slot.stage, slot.playing) = (Stage::Idle, None);
        }
    }

    /// What he has said in a tick of so many samples, or nothing, which is asked for only if it is part of his name; true when that has
    /// become as long as it may.
    #[inline(always)]
    pub fn hear<'a>(&mut self, channel: usize, count: usize, said: impl FnOnce() -> Option<&'a [i16]>) -> bool {
        let is_part = self.slots.get(channel).is_some_and(|slot| matches!(slot.stage, Stage::Saying));
        is_part && self.hear_part(channel, count, said())
    }

    #[cold]
    fn hear_part(&mut self, channel: usize, count: usize, samples: Option<&[i16]>) -> bool {
        let Some(slot) = self.slots.get_mut(channel) else { return false };
        let room = &mut self.octets[channel * LONGEST + slot.said..(channel + 1) * LONGEST];
        for (place, octet) in room.iter_mut().enumerate().take(count) {
            let sample = samples.and_then(|samples| samples.get(place)).copied().unwrap_or(0);
            *octet = LAW.encode_one(sample);
            if sample.unsigned_abs() >= VOICED.unsigned_abs() {
                if slot.voiced == 0 {
                    slot.first = slot.said + place;
                }
                slot.voiced += 1;
                slot.last = slot.said + place;
            }
        }
        slot.said = (slot.said + count).min(LONGEST);
        slot.said == LONGEST
    }

    /// Play to a channel the name of another.
    pub fn play(&mut self, to: usize, of: usize) {
        let from = self.span(of).start;
        if let Some(slot) = self.slots.get_mut(to) {
            slot.playing = Some((of, from));
        }
    }

    /// Play nothing to it any more.
    pub fn hush(&mut self, channel: usize) {
        if let Some(slot) = self.slots.get_mut(channel) {
            slot.playing = None;
        }
    }

    /// Whether anything here is to be heard on a channel.
    pub fn is_sounding(&self, channel: usize) -> bool {
        self.slots.get(channel).is_some_and(|slot| slot.playing.is_some() || matches!(slot.stage, Stage::Tone(_)))
    }

    /// Add the next of it to what a channel hears; true when a name is over.
    pub fn sound(&mut self, channel: usize, out: &mut [i16]) -> bool {
        let Some(slot) = self.slots.get_mut(channel) else { return false };
        if let Stage::Tone(tone) = &mut slot.stage {
            tone.fill(out);
            if tone.is_finished() {
                slot.stage = Stage::Saying;
            }
            return false;
        }
        let Some((of, at)) = slot.playing else { return false };
        let next = self.add(of, at, out);
        self.slots[channel].playing = next.map(|at| (of, at));
        next.is_none()
    }

    /// Where the name of a channel begins.
    pub fn begin(&self, of: usize) -> usize {
        self.span(of).start
    }

    /// Add what comes of a name from there on; where to go on, unless it is over.
    pub fn add(&self, of: usize, at: usize, out: &mut [i16]) -> Option<usize> {
        let end = self.span(of).end;
        let name = self.octets.get(of * LONGEST + at..of * LONGEST + end).unwrap_or_default();
        for (out, octet) in out.iter_mut().zip(name) {
            *out = out.saturating_add(LAW.decode_one(*octet));
        }
        (name.len() > out.len()).then_some(at + out.len())
    }

    fn span(&self, of: usize) -> std::ops::Range<usize> {
        match self.slots.get(of) {
            Some(slot) if slot.voiced > 0 => slot.first.saturating_sub(MARGIN)..(slot.last + MARGIN).min(slot.said),
            _ => 0..0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name that is said 4000 samples after the tone and takes 3200, of one amplitude; how many samples were taken.
    fn say(names: &mut Names, channel: usize, sample: i16) {
        assert!(names.record(channel));
        let mut beep = vec![0; 80];
        while names.is_sounding(channel) {
            assert!(!names.hear(channel, 80, || Some(&[9000; 80])), "nothing is kept before the end of the tone");
            names.sound(channel, &mut beep);
        }
        for chunk in 0..90 {
            let speaks = (50..90).contains(&chunk).then_some([sample; 80]);
            assert!(!names.hear(channel, 80, || speaks.as_ref().map(<[i16; 80]>::as_slice)));
        }
    }

    fn played(names: &mut Names, to: usize, of: usize) -> Vec<i16> {
        names.play(to, of);
        let mut all = Vec::new();
        while names.is_sounding(to) {
            let mut out = vec![0; 80];
            names.sound(to, &mut out);
            all.extend(out);
        }
        all
    }

    #[test]
    fn a_name_is_played_without_the_silence_around_it() {
        let mut names = Names::with_room(3);
        say(&mut names, 1, 1000);
        assert_eq!((names.keep(1), names.keep(1)), (Some(true), None));
        let all = played(&mut names, 2, 1);
        let decoded = LAW.decode_one(LAW.encode_one(1000));
        let loud = all.iter().filter(|s| **s == decoded).count();
        assert_eq!((loud, all.len()), (3200, 800 + 3200));
        // Who has left is still told by his name; who comes next has none of it.
        names.close(1);
        assert_eq!(played(&mut names, 2, 1).len(), 4000);
        names.record(1);
        assert_eq!(played(&mut names, 2, 1), vec![0; 80], "over at once");
    }

    #[test]
    fn silence_is_no_name_and_a_name_has_an_end() {
        let mut names = Names::with_room(1);
        say(&mut names, 0, 100);
        assert_eq!(names.keep(0), Some(false));
        say(&mut names, 0, 1000);
        let chunks = (0..).take_while(|_| !names.hear(0, 80, || Some(&[1000; 80]))).count();
        assert_eq!(chunks, LONGEST / 80 - 90 - 1);
        assert!(!Names::default().record(0), "without room none is asked for");
    }
}
