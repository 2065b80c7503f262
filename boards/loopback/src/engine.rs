//! The engine behind a faulty card: draws from the seed and follows the script.
//!
//! Looks after what is decided; `faults` does it. The engine outlives a removal of its card.
//!
//! Data path: none.
//! Time: [`Engine::begin_tick`], once a tick. A span, a direction and a purpose each draw from a stream of
//! their own, so that the slips of a seed do not depend on how many frames were exchanged.

use crate::capture::Direction;
use crate::faults::{CardFault, FaultPlan, FrameChances, Mishap, ScriptedFault, Tally};
use crate::random::Random;
use hal::{Alarms, DFrame};
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// What befalls a span in a tick.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SpanFate {
    pub(crate) alarms: Alarms,
    pub(crate) episode_begins: bool,
    pub(crate) slip: bool,
}

/// Draws and remembers.
pub(crate) struct Engine {
    plan: FaultPlan,
    seed: u64,
    next_scripted: usize,
    /// Ticks begun.
    ticks: u64,
    card: Random,
    spans: Vec<SpanEngine>,
    vain_looks: u32,
    pub(crate) tally: Arc<Tally>,
}

struct SpanEngine {
    line: Random,
    frames: [Random; 2],
    bits: [Random; 2],
    /// Mishaps of the script that wait for a frame.
    waiting: [[u32; 3]; 2],
    alarms: Alarms,
    alarm_ticks: u32,
    fate: SpanFate,
}

impl Engine {
    pub(crate) fn new(seed: u64, mut plan: FaultPlan) -> Self {
        plan.script.sort_by_key(|scripted| scripted.tick);
        Engine {
            plan,
            seed,
            next_scripted: 0,
            ticks: 0,
            card: Random::new(seed, 0),
            spans: Vec::new(),
            vain_looks: 0,
            tally: Arc::default(),
        }
    }

    /// Room for so many spans; those known from an earlier start go on.
    pub(crate) fn start(&mut self, spans: usize) {
        for index in self.spans.len()..spans {
            let stream = |purpose: u64| Random::new(self.seed, 1 + index as u64 * 8 + purpose);
            self.spans.push(SpanEngine {
                line: stream(0),
                frames: [stream(1), stream(2)],
                bits: [stream(3), stream(4)],
                waiting: [[0; 3]; 2],
                alarms: Alarms::empty(),
                alarm_ticks: 0,
                fate: SpanFate::default(),
            });
        }
    }

    /// Decide what happens in the next tick. True: the card goes.
    pub(crate) fn begin_tick(&mut self) -> bool {
        let tick = self.ticks;
        self.ticks += 1;
        let mut removed = false;
        if happens(&mut self.card, self.plan.removal) {
            removed = true;
            self.vain_looks = self.plan.vain_looks;
        }
        for span in &mut self.spans {
            span.draw(&self.plan);
        }
        while let Some(&ScriptedFault { fault, .. }) =
            self.plan.script.get(self.next_scripted).filter(|scripted| scripted.tick <= tick)
        {
            self.next_scripted += 1;
            if let CardFault::Remove(vain_looks) = fault {
                removed = true;
                self.vain_looks = vain_looks;
            } else {
                self.follow(fault);
            }
        }
        removed
    }

    fn follow(&mut self, fault: CardFault) {
        let index = match fault {
            CardFault::Frame(span, ..) | CardFault::Slip(span) | CardFault::Alarms(span, ..) => usize::from(span.0),
            CardFault::Remove(_) => return,
        };
        let Some(span) = self.spans.get_mut(index) else { return };
        match fault {
            CardFault::Frame(_, direction, mishap) => span.waiting[direction as usize][mishap as usize] += 1,
            CardFault::Slip(_) => span.fate.slip = true,
            CardFault::Alarms(_, alarms, ticks) => span.episode(alarms, ticks),
            CardFault::Remove(_) => {}
        }
    }

    pub(crate) fn span_fate(&self, index: usize) -> SpanFate {
        self.spans.get(index).map_or(SpanFate::default(), |span| span.fate)
    }

    /// What befalls the next frame. The script goes before chance.
    pub(crate) fn frame_fate(&mut self, index: usize, direction: Direction) -> Option<Mishap> {
        let FrameChances { lose, corrupt, duplicate } = match direction {
            Direction::Received => self.plan.received,
            Direction::Sent => self.plan.sent,
        };
        let span = self.spans.get_mut(index)?;
        let chances = [(Mishap::Lose, lose), (Mishap::Corrupt, corrupt), (Mishap::Duplicate, duplicate)];
        for (mishap, _) in chances {
            let waiting = &mut span.waiting[direction as usize][mishap as usize];
            if *waiting > 0 {
                *waiting -= 1;
                return Some(mishap);
            }
        }
        let mut drawn = span.frames[direction as usize].unit();
        for (mishap, chance) in chances {
            if drawn < chance {
                return Some(mishap);
            }
            drawn -= chance.max(0.0);
        }
        None
    }

    pub(crate) fn coin(&mut self, index: usize) -> bool {
        self.spans.get_mut(index).is_some_and(|span| span.bits[0].below(2) == 1)
    }

    /// The frame with one bit changed; an empty one as it is.
    pub(crate) fn spoil(&mut self, index: usize, direction: Direction, frame: DFrame) -> DFrame {
        let Some(span) = self.spans.get_mut(index) else { return frame };
        let bit = span.bits[direction as usize].below(frame.len() as u32 * 8) as usize;
        let mut octets = [0; hal::D_FRAME_MAX];
        let octets = &mut octets[..frame.len()];
        octets.copy_from_slice(&frame);
        if let Some(octet) = octets.get_mut(bit / 8) {
            *octet ^= 1 << (bit % 8);
        }
        DFrame::new(octets).unwrap_or(frame)
    }

    /// Whether a card that was looked for is found.
    pub(crate) fn found(&mut self) -> bool {
        let found = self.vain_looks == 0;
        self.vain_looks = self.vain_looks.saturating_sub(1);
        found
    }
}

impl SpanEngine {
    fn draw(&mut self, plan: &FaultPlan) {
        self.alarm_ticks = self.alarm_ticks.saturating_sub(1);
        if self.alarm_ticks == 0 {
            self.alarms = Alarms::empty();
        }
        // Drawn in any case, so that an episode does not shift what is drawn later.
        let begins = happens(&mut self.line, plan.alarm);
        let (shortest, longest) = (*plan.alarm_ticks.start(), *plan.alarm_ticks.end());
        let choices = longest.saturating_sub(shortest).saturating_add(1);
        let ticks = shortest.saturating_add(self.line.below(choices));
        let slip = happens(&mut self.line, plan.slip);
        self.fate = SpanFate { alarms: self.alarms, episode_begins: false, slip };
        if begins && self.alarms.is_empty() {
            self.episode(plan.alarms, ticks);
        }
    }

    fn episode(&mut self, alarms: Alarms, ticks: u32) {
        self.alarm_ticks = ticks;
        self.alarms = if ticks == 0 { Alarms::empty() } else { alarms };
        self.fate.alarms = self.alarms;
        self.fate.episode_begins = !self.alarms.is_empty();
    }
}

/// One draw against a chance.
fn happens(random: &mut Random, chance: f64) -> bool {
    random.unit() < chance
}

/// Where the engine waits while its card is removed.
pub(crate) struct EngineSeat(Arc<Mutex<Option<Box<Engine>>>>);

impl EngineSeat {
    pub(crate) fn hold(&self) -> Option<HeldEngine> {
        let engine = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        Some(HeldEngine { engine: Some(engine), seat: EngineSeat(Arc::clone(&self.0)) })
    }
}

/// An engine held by a card; it goes back to its seat when the card goes.
pub(crate) struct HeldEngine {
    engine: Option<Box<Engine>>,
    seat: EngineSeat,
}

impl HeldEngine {
    pub(crate) fn new(engine: Engine) -> Self {
        HeldEngine { engine: Some(Box::new(engine)), seat: EngineSeat(Arc::default()) }
    }

    /// Its seat, empty until this is dropped.
    pub(crate) fn seat(&self) -> EngineSeat {
        EngineSeat(Arc::clone(&self.seat.0))
    }
}

impl Deref for HeldEngine {
    type Target = Engine;
    fn deref(&self) -> &Engine {
        self.engine.as_ref().expect("an engine is held until it is dropped")
    }
}

impl DerefMut for HeldEngine {
    fn deref_mut(&mut self) -> &mut Engine {
        self.engine.as_mut().expect("an engine is held until it is dropped")
    }
}

impl Drop for HeldEngine {
    fn drop(&mut self) {
        *self.seat.0.lock().unwrap_or_else(PoisonError::into_inner) = self.engine.take();
    }
}
