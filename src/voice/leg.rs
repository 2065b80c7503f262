//! One caller's way into and out of a conference.

use super::conference::Mix;
use super::press::Press;
use super::speech::Speech;
use super::treatment::Treatment;
use super::{Clipped, Heard, Settings};
use crate::gateway::ConferenceIndex;
use crate::prompts::{LanguageIndex, Phrase, Sounds};
use dsp::dtmf::KeyEvent;
use dsp::g711::{self, Law};
use dsp::keyfilter::{STREAM_DELAY, TapeFilter};
use dsp::level::{self, TalkDetector, TalkEvent, TalkSettings};
use dsp::talkers::Floor;
use dsp::tape::{Tape, TapeMut};
use hal::ChunkLength;
use simd::{Kernel, LINE};
use std::mem::offset_of;

/// A level is told after so many samples: a second.
const LEVEL_EVERY: u32 = 8000;

/// The detectors of one channel, and what is played there. What it said is on its tape, which is lent to it each time.
#[repr(C)] // What every chunk needs comes first, see `NEEDED`; and so it is in the key filter.
pub struct Leg {
    talk: TalkDetector,
    /// What else is done to its voice, if anything.
    treatment: Option<Box<Treatment>>,
    /// In which tick it was last received.
    tick: u32,
    /// Which of its last chunks were said in its conference, the last in the lowest bit.
    said: u32,
    /// How many chunks later the stream has them.
    delay: u32,
    /// How many samples ago the present second began.
    measured: u32,
    conference: Option<ConferenceIndex>,
    law: Law,
    open: bool,
    muted: bool,
    /// Something but zeroes was said in this tick.
    audible: bool,
    /// Where it is in the music it hears while it waits.
    music: Option<usize>,
    /// What the talk detector had heard when the present second began, in energy.
    energy_before: u64,
    /// Samples it was sent in this second that were clamped.
    clipped: u32,
    talk_dbm0: f32,
    language: LanguageIndex,
    speech: Speech,
    filter: TapeFilter,
}

/// Lines of the cache that every chunk needs beside those of its key filter.
const NEEDED: usize = 2;
const _: () = assert!(offset_of!(Leg, energy_before) <= NEEDED * LINE && align_of::<Leg>() == LINE);
const _: () = assert!(offset_of!(Leg, conference) >= LINE && offset_of!(Leg, speech) < 3 * LINE);

impl Leg {
    /// A closed leg.
    pub fn new(law: Law, settings: Settings, samples: usize) -> Self {
        let talk_dbm0 = settings.talk_dbm0;
        Leg {
            law,
            open: false,
            conference: None,
            muted: false,
            tick: 0,
            said: 0,
            delay: (STREAM_DELAY / samples) as u32,
            talk_dbm0,
            filter: TapeFilter::beginning_at(0),
            talk: talk_detector(talk_dbm0),
            treatment: Treatment::new(settings, samples),
            audible: false,
            language: LanguageIndex::default(),
            speech: Speech::default(),
            music: None,
            energy_before: 0,
            measured: 0,
            clipped: 0,
        }
    }

    /// Somebody is there, whose first chunk comes at this place of the tape. Nothing of who was there before remains, nor may it on that.
    pub fn open(&mut self, place: usize) {
        self.close();
        self.open = true;
        self.filter = TapeFilter::beginning_at(place);
        self.talk = talk_detector(self.talk_dbm0);
        if let Some(treatment) = &mut self.treatment {
            treatment.reset();
        }
        self.audible = false;
        self.energy_before = 0;
        self.measured = 0;
        self.clipped = 0;
    }

    /// Nobody is there any more.
    pub fn close(&mut self) {
        self.open = false;
        self.conference = None;
        self.muted = false;
        self.said = 0;
        self.language = LanguageIndex::default();
        self.music = None;
        self.hush();
    }

    /// The conference it is in.
    pub fn conference(&self) -> Option<ConferenceIndex> {
        self.conference
    }

    /// Go into a conference, where it can be heard.
    pub fn join(&mut self, conference: ConferenceIndex) {
        self.conference = Some(conference);
        self.muted = false;
        self.measured = 0;
        self.said = 0;
    }

    /// Go out of it.
    pub fn leave(&mut self) {
        self.conference = None;
        self.muted = false;
        self.said = 0;
    }

    /// Keep what it says out of the conference, or not.
    pub fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// The law of its line.
    #[inline(always)]
    pub fn law(&self) -> Law {
        self.law
    }

    /// Whether somebody is there.
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// The language of what is played from now on.
    pub fn speak(&mut self, language: LanguageIndex) {
        self.language = language;
    }

    /// Play this instead of what plays now.
    pub fn play(&mut self, phrase: &Phrase) {
        self.speech.begin(phrase, self.language);
    }

    /// Play this after what plays now, as far as there is room.
    pub fn announce(&mut self, phrase: &Phrase) {
        self.speech.follow(phrase, self.language);
    }

    /// Stop playing; nothing is told of it.
    pub fn hush(&mut self) {
        self.speech = Speech::default();
    }

    /// What was said in this tick, less keys: for those who listen now. Nothing if it is all zeroes.
    #[inline(always)]
    pub fn conversation<'a>(&'a self, tape: Tape<'a>) -> Option<&'a [i16]> {
        match self.treatment.as_ref().and_then(|treatment| treatment.now()) {
            Some(treated) => treated.filter(|_| self.audible),
            None => self.audible.then(|| self.filter.conversation(tape)),
        }
    }

    /// What it said in its conference in this tick, if it was to be heard there and is anything.
    #[inline(always)]
    pub fn own<'a>(&'a self, tape: Tape<'a>) -> Option<&'a [i16]> {
        self.conversation(tape).filter(|_| self.has_said(0))
    }

    /// How many chunks later the stream has what is said.
    #[inline(always)]
    fn delay(&self) -> usize {
        self.delay as usize
    }

    #[inline(always)]
    fn has_said(&self, chunks_ago: usize) -> bool {
        self.said >> chunks_ago & 1 != 0
    }

    /// Say in the conference what was received in this tick, unless muted: now to the others, and later in the stream.
    pub fn take_part(&mut self, tape: Tape, mix: &mut Mix) {
        simd::run(TakePart { leg: self, tape, mix });
    }

    #[inline(always)]
    fn take_part_within(&mut self, tape: Tape, mix: &mut Mix) {
        mix.join();
        self.said |= u32::from(!self.muted);
        if let Some(now) = self.own(tape) {
            mix.add_within(now);
        }
        let Some(later) = mix.later() else {
            // With the voice changed on its way the stream has a sum of its own.
            if let Some(Some(delayed)) = self.treatment.as_ref().and_then(|treatment| treatment.delayed())
                && self.has_said(self.delay())
            {
                mix.add_to_stream(delayed);
            }
            return;
        };
        // Muted on a suspicion of a key: the stream knows better later.
        if self.has_said(0) && self.filter.changes_conversation() {
            later.replace(0, self.filter.conversation(tape), self.filter.received(tape));
        }
        if self.has_said(self.delay()) && self.filter.changes_stream() {
            later.replace(self.delay(), self.filter.received_before(tape, self.delay()), self.filter.stream(tape));
        }
    }

    /// Take back what was said in this tick: it was muted, or left, before the others heard it.
    pub fn take_back(&mut self, tick: u32, tape: Tape, mix: &mut Mix) {
        if self.tick != tick || !self.has_said(0) {
            return;
        }
        if let Some(now) = self.own(tape) {
            mix.remove(now);
        }
        if let Some(later) = mix.later().filter(|_| self.filter.changes_conversation()) {
            later.replace(0, self.filter.received(tape), self.filter.conversation(tape));
        }
        self.said &= !1;
    }

    /// Take out of the stream what has not come there yet: it may end in the middle of a key.
    pub fn take_out_of_stream(&mut self, tick: u32, tape: Tape, mix: &mut Mix) {
        self.take_back(tick, tape, mix);
        let is_received = self.tick == tick;
        for chunks in (0..=self.delay()).filter(|chunks| self.has_said(*chunks)) {
            let Some(later) = mix.later() else { break };
            match is_received {
                // What leaves in this tick was put right already.
                true if chunks == self.delay() => later.take_out(chunks, self.filter.stream(tape)),
                true => later.take_out(chunks, self.filter.received_before(tape, chunks)),
                false => later.take_out(chunks + 1, self.filter.received_before(tape, chunks)),
            }
        }
        self.said = 0;
    }

    /// Where its last chunk is on its tape.
    #[cfg(test)]
    pub fn place(&self) -> usize {
        self.filter.place()
    }

    /// Ask for the memory that the next chunk needs beside its tape: in thousands of legs it is not at hand.
    #[inline(always)]
    pub fn fetch(&self) {
        self.filter.fetch();
        simd::fetch_lines(self, NEEDED);
    }

    /// The same for what it is sent in this tick, less what it said.
    #[inline(always)]
    pub fn fetch_own(&self) {
        self.filter.fetch_conversation();
        // In whose conference, and whether anything is played: to the beginning of `speech`.
        simd::fetch_lines(&self.conference, 2);
    }

    /// Take in a chunk in this tick, in its line's law; if it is in a conference that is to hear it at once, take part in that. From the
    /// octets to the sum it is part of one kernel.
    #[inline(always)]
    pub fn receive(
        &mut self,
        tick: u32,
        octets: &[u8],
        tape: TapeMut,
        mix: Option<&mut Mix>,
        tell: &mut dyn FnMut(Heard),
    ) {
        // What a length that is known saves in bounds and remainders is a tenth of all.
        match octets.first_chunk::<{ ChunkLength::MAX_SAMPLES }>() {
            Some(all) if octets.len() == all.len() => self.take_in(tick, all, tape, mix, tell),
            _ => self.take_in(tick, octets, tape, mix, tell),
        }
    }

    #[inline(always)]
    fn take_in(
        &mut self,
        tick: u32,
        octets: &[u8],
        mut tape: TapeMut,
        mix: Option<&mut Mix>,
        tell: &mut dyn FnMut(Heard),
    ) {
        self.tick = tick;
        self.said <<= 1;
        let room = self.filter.room(tape.lend(), octets.len());
        // A-law has no code for 0 (G.711 table 1a): a line on which nothing is said brings 8, and the sum of hundreds would be far from 0.
        if g711::is_idle(self.law, octets) {
            room.fill(0);
        } else {
            g711::decode(self.law, octets, room);
        }
        if let Some(treatment) = &mut self.treatment {
            treatment.take_out_echo(room);
        }
        let now = self.filter.position();
        let energies = self.filter.hear(tape.lend(), octets.len(), &mut |event| match event {
            KeyEvent::Down { key, .. } => tell(Heard::Key(key)),
            KeyEvent::Up { key, started_at, samples, sound } => {
                tell(Heard::Press(Press::new(key, now.saturating_sub(started_at), samples, &sound)));
            }
        });
        let (tape, before) = (tape.read(), self.talk.energy());
        let mut talking = |event| tell(Heard::Talking(matches!(event, TalkEvent::Started { .. })));
        match energies {
            Some(energies) => self.talk.process_known(&energies, &mut talking),
            None => self.talk.process(self.filter.conversation(tape), &mut talking),
        }
        self.audible = self.talk.energy() != before;
        if let Some(treatment) = &mut self.treatment {
            treatment.shape(self.talk.is_talking(), self.filter.conversation(tape), self.filter.stream(tape));
        }
        if self.conference.is_some() {
            self.measure(before, octets.len(), tell);
        }
        if let Some(mix) = mix {
            mix.begin();
            self.take_part_within(tape, mix);
        }
    }

    /// After every second in a conference its level is told.
    #[inline(always)]
    fn measure(&mut self, energy_before: u64, samples: usize, tell: &mut dyn FnMut(Heard)) {
        if self.measured == 0 {
            self.energy_before = energy_before;
        }
        self.measured += samples as u32;
        if self.measured >= LEVEL_EVERY {
            self.tell_level(tell);
        }
    }

    #[cold]
    fn tell_level(&mut self, tell: &mut dyn FnMut(Heard)) {
        let energy = (self.talk.energy() - self.energy_before) as f64;
        let dbm0 = level::dbm0_of((energy / f64::from(self.measured)) as f32);
        let clipped = Clipped { heard: std::mem::take(&mut self.clipped), sum: 0 };
        tell(Heard::Level { tenth_dbm0: (dbm0 * 10.0) as i16, clipped });
        self.measured = 0;
    }

    /// Samples of what it is sent were clamped.
    pub fn heard_clipped(&mut self, samples: u64) {
        self.clipped = self.clipped.saturating_add(samples as u32);
    }

    /// Hear music while nothing is played, or not.
    pub fn hold(&mut self, holds: bool) {
        self.music = holds.then(|| self.music.unwrap_or(0));
    }

    /// Whether it hears more than its conference.
    #[inline(always)]
    pub fn hears_more(&self) -> bool {
        self.is_playing() || self.holds()
    }

    /// Whether it hears music.
    pub fn holds(&self) -> bool {
        self.music.is_some()
    }

    /// Add the next of the music, which goes round.
    pub fn hear_music(&mut self, music: &[i16], out: &mut [i16]) {
        let Some(at) = self.music.as_mut().filter(|_| !music.is_empty()) else { return };
        for out in out {
            *at = if *at < music.len() { *at } else { 0 };
            *out = out.saturating_add(music[*at]);
            *at += 1;
        }
    }

    /// Compete to be heard, where only the loudest are.
    pub fn offer(&self, member: u32, floor: &mut Floor) {
        if let Some(treatment) = self.treatment.as_ref().filter(|_| !self.muted) {
            treatment.offer(member, floor);
        }
    }

    /// Whether that succeeded.
    pub fn settle(&mut self, has_floor: bool) {
        if let Some(treatment) = &mut self.treatment {
            treatment.settle(has_floor);
        }
    }

    /// What was sent to this caller in this tick.
    #[inline(always)]
    pub fn was_sent(&mut self, octets: &[u8]) {
        if let Some(treatment) = &mut self.treatment {
            treatment.was_sent(self.law, octets);
        }
    }

    /// Whether anything is being played to this caller alone.
    pub fn is_playing(&self) -> bool {
        !self.speech.is_over()
    }

    /// Add what is to be said to this caller alone; true when the last of it has been said.
    pub fn say(&mut self, sounds: &Sounds, out: &mut [i16]) -> bool {
        self.speech.add(sounds, out)
    }
}

/// A leg that is to take part in a conference.
struct TakePart<'a> {
    leg: &'a mut Leg,
    tape: Tape<'a>,
    mix: &'a mut Mix,
}

impl Kernel for TakePart<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        self.leg.take_part_within(self.tape, self.mix);
    }
}

fn talk_detector(threshold_dbm0: f32) -> TalkDetector {
    TalkDetector::new(TalkSettings { threshold_dbm0, ..TalkSettings::default() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use dsp::tape::Tapes;
    use dsp::tones::DtmfSequence;

    #[test]
    fn a_key_is_told_when_it_is_pressed_and_how_it_sounded_when_it_is_let_go() {
        let (mut leg, mut tapes) = (Leg::new(Law::Mu, Settings::default(), 80), Tapes::new(1, 80));
        leg.open(tapes.place());
        let mut keys = DtmfSequence::new("5", 80, 200, -12.0).expect("a key").with_twist(-3.0);
        let (mut samples, mut octets, mut told) = ([0; 80], [0; 80], Vec::new());
        for chunk in 0..28 {
            keys.fill(&mut samples);
            g711::encode(Law::Mu, &samples, &mut octets);
            leg.receive(chunk, &octets, tapes.of_mut(0), None, &mut |heard| told.push((chunk, heard)));
        }
        let [(pressed, Heard::Key(key)), (let_go, Heard::Press(press))] = told[..] else { panic!("{told:?}") };
        assert_eq!((key.to_char(), press.row_dbm0, press.column_dbm0, press.off_frequency), ('5', -12, -15, false));
        assert!((74..=86).contains(&press.lasted_ms), "{press:?}");
        assert!(press.snr_db > 25 && pressed < 5 && let_go < 12, "{told:?}");
        assert!(press.began_ago_ms.abs_diff(let_go * 10) <= 10, "{told:?}");
    }

    #[test]
    fn a_line_on_which_nothing_is_said_adds_nothing() {
        for law in [Law::A, Law::Mu] {
            let (mut leg, mut tapes) = (Leg::new(law, Settings::default(), 80), Tapes::new(1, 80));
            leg.open(tapes.place());
            leg.join(ConferenceIndex(0));
            leg.receive(1, &[law.idle_octet(); 80], tapes.of_mut(0), None, &mut |_| {});
            assert!(!leg.audible && leg.filter.conversation(tapes.of(0)).iter().all(|&sample| sample == 0), "{law:?}");
            leg.receive(2, &[law.encode_one(100); 80], tapes.of_mut(0), None, &mut |_| {});
            assert!(leg.audible, "{law:?}");
        }
    }
}
