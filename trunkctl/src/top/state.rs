//! What keys and news do to the screen: a machine without terminal, socket or clock.
//!
//! An order that takes something away is asked about first, in a dialog that names what it will hit; the dialog holds the
//! order it was opened for, so that what is confirmed is what was read, whatever has moved on the screen meanwhile. When
//! the connection breaks, the dialog goes with it: after a restart the same number may be another's call.
//!
//! Data path: keys from the terminal and news from [`super::link`] → [`Top::handle`] → [`Order`] for the link.
//! Words: pane, one of the six lists; chosen, of a row: what the keys `s`, `r` and `h` are about.

use crate::{show, words};
use control::{
    CallInfo, ChannelInfo, ConferenceInfo, EventInfo, Hold, Resume, SpanInfo, Status, Suspend, SuspendPlan,
    SuspensionInfo, Target,
};

/// Everything that is shown, as it was at one moment.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// When it was asked for: milliseconds since 1970 UTC.
    pub at_ms: u64,
    pub status: Status,
    pub spans: Vec<SpanInfo>,
    /// Of the chosen span.
    pub channels: Vec<ChannelInfo>,
    pub calls: Vec<CallInfo>,
    pub events: Vec<EventInfo>,
    pub conferences: Vec<ConferenceInfo>,
    pub suspensions: Vec<SuspensionInfo>,
}

/// The lists.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    #[default]
    Trunks,
    Calls,
    Events,
    Conferences,
    Alarms,
    Out,
}

impl Pane {
    /// In the order of the Tab key.
    pub const ALL: [Pane; 6] = [Pane::Trunks, Pane::Calls, Pane::Events, Pane::Conferences, Pane::Alarms, Pane::Out];

    fn beside(self, step: usize) -> Pane {
        let at = Pane::ALL.iter().position(|pane| *pane == self).unwrap_or_default();
        Pane::ALL[(at + step) % Pane::ALL.len()]
    }
}

/// A key, whatever terminal it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    Tab,
    BackTab,
    Enter,
    Escape,
    /// Ctrl-C.
    Interrupt,
    Char(char),
}

/// What may happen.
#[derive(Debug)]
pub enum Event {
    /// A key was pressed.
    Key(Key),
    /// The daemon answered.
    News(Box<Snapshot>),
    /// It does not, for this reason.
    Lost(String),
    /// What a suspension would hit.
    Planned(Suspend, Result<Box<SuspendPlan>, String>),
    /// An order was carried out, or refused.
    Done(Result<String, String>),
}

/// What the link is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Show the channels of this span, from 1.
    Look(u16),
    /// Say what this would hit.
    Plan(Suspend),
    Suspend(Suspend),
    Resume(Resume),
    HangUp(u64),
}

/// What lies over the lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dialog {
    /// What the keys do.
    Help,
    /// A question to yes or no.
    Ask {
        /// Ends in a question mark.
        title: String,
        /// What will be hit, in lines.
        text: String,
        /// Lines that are scrolled away.
        scroll: usize,
        /// What happens on yes.
        order: Order,
    },
}

/// The screen.
#[derive(Debug, Default)]
pub struct Top {
    pub pane: Pane,
    /// In the first pane: the keys go to the channels, not to the spans.
    pub in_channels: bool,
    /// The chosen span, counted from 0.
    pub span: usize,
    /// The chosen row of any other list, counted from 0.
    pub row: usize,
    pub dialog: Option<Dialog>,
    pub snapshot: Option<Box<Snapshot>>,
    /// Why the daemon does not answer.
    pub lost: Option<String>,
    /// The last word on what was asked for, and whether it is a complaint; until the next key.
    pub told: Option<(String, bool)>,
    /// It is over.
    pub quit: bool,
}

/// Rows of a page.
const PAGE: usize = 10;

impl Top {
    /// Take in what happened.
    pub fn handle(&mut self, event: Event) -> Option<Order> {
        match event {
            Event::Key(key) => self.key(key),
            Event::News(snapshot) => self.news(snapshot),
            Event::Lost(why) => {
                if matches!(self.dialog.take_if(|d| matches!(d, Dialog::Ask { .. })), Some(Dialog::Ask { .. })) {
                    self.complain("the connection broke: nothing was done".into());
                }
                self.lost = Some(why);
                None
            }
            Event::Planned(order, Ok(plan)) => {
                let title = format!("Suspend {}?", order.target);
                self.ask(title, show::suspend_plan(&plan), Order::Suspend(order));
                None
            }
            Event::Planned(_, Err(why)) => self.complain(why),
            Event::Done(Ok(text)) => self.tell(text),
            Event::Done(Err(why)) => self.complain(why),
        }
    }

    /// How many rows there are to choose from, spans aside.
    pub fn rows(&self) -> usize {
        let Some(snapshot) = &self.snapshot else { return 0 };
        match self.pane {
            Pane::Trunks => snapshot.channels.len(),
            Pane::Calls => snapshot.calls.len(),
            Pane::Events => snapshot.events.len(),
            Pane::Conferences => snapshot.conferences.len(),
            Pane::Alarms => snapshot.status.alarms.len(),
            Pane::Out => snapshot.suspensions.len(),
        }
    }

    /// The chosen channel.
    pub fn channel(&self) -> Option<&ChannelInfo> {
        self.snapshot.as_ref().filter(|_| self.pane == Pane::Trunks && self.in_channels)?.channels.get(self.row)
    }

    fn tell(&mut self, text: String) -> Option<Order> {
        self.told = Some((text, false));
        None
    }

    fn complain(&mut self, text: String) -> Option<Order> {
        self.told = Some((text, true));
        None
    }

    fn ask(&mut self, title: String, text: String, order: Order) {
        self.dialog = Some(Dialog::Ask { title, text, scroll: 0, order });
    }

    /// What was chosen stays chosen, although others came or went before it.
    fn news(&mut self, snapshot: Box<Snapshot>) -> Option<Order> {
        let chosen = self.identity(self.row);
        self.snapshot = Some(snapshot);
        self.lost = None;
        if let Some(place) = chosen.and_then(|id| (0..self.rows()).find(|row| self.identity(*row) == Some(id))) {
            self.row = place;
        }
        self.row = self.row.min(self.rows().saturating_sub(1));
        let last = self.snapshot.as_ref().map_or(0, |s| s.spans.len()).saturating_sub(1);
        if self.span > last {
            self.span = last;
            return self.look();
        }
        None
    }

    fn identity(&self, row: usize) -> Option<u64> {
        let snapshot = self.snapshot.as_ref()?;
        match self.pane {
            Pane::Trunks => snapshot.channels.get(row).map(|c| c.channel.into()),
            Pane::Calls => snapshot.calls.get(row).map(|c| c.id),
            Pane::Events => snapshot.events.get(row).and_then(|e| e.number.parse().ok()),
            Pane::Conferences => snapshot.conferences.get(row).and_then(|c| c.event.parse().ok()),
            Pane::Alarms => None,
            Pane::Out => snapshot.suspensions.get(row).map(|s| s.id),
        }
    }

    fn key(&mut self, key: Key) -> Option<Order> {
        self.told = None;
        if key == Key::Interrupt {
            self.quit = true;
            return None;
        }
        match self.dialog.take() {
            Some(dialog) => self.answer(dialog, key),
            None => self.command(key),
        }
    }

    /// A key while a dialog is open.
    fn answer(&mut self, mut dialog: Dialog, key: Key) -> Option<Order> {
        let Dialog::Ask { text, scroll, order, .. } = &mut dialog else {
            // Any key ends the help.
            return None;
        };
        match key {
            Key::Char('y' | 'Y') => return Some(order.clone()),
            Key::Char('n' | 'N' | 'q') | Key::Escape => return self.tell("nothing was done".into()),
            Key::Up => *scroll = scroll.saturating_sub(1),
            Key::Down => *scroll = (*scroll + 1).min(text.lines().count().saturating_sub(1)),
            // Not even Enter is a yes.
            _ => {}
        }
        self.dialog = Some(dialog);
        None
    }

    fn command(&mut self, key: Key) -> Option<Order> {
        match key {
            Key::Char('q') => self.quit = true,
            Key::Char('?') => self.dialog = Some(Dialog::Help),
            Key::Char('t') => self.turn_to(Pane::Trunks),
            Key::Char('c') => self.turn_to(Pane::Calls),
            Key::Char('e') => self.turn_to(Pane::Events),
            Key::Char('m') => self.turn_to(Pane::Conferences),
            Key::Char('a') => self.turn_to(Pane::Alarms),
            Key::Char('o') => self.turn_to(Pane::Out),
            Key::Tab => self.turn_to(self.pane.beside(1)),
            Key::BackTab => self.turn_to(self.pane.beside(Pane::ALL.len() - 1)),
            Key::Enter | Key::Right if self.pane == Pane::Trunks => self.in_channels = true,
            Key::Escape | Key::Left if self.pane == Pane::Trunks => self.in_channels = false,
            Key::Up | Key::Char('k') => return self.step(-1),
            Key::Down | Key::Char('j') => return self.step(1),
            Key::PageUp => return self.step(-(PAGE as isize)),
            Key::PageDown => return self.step(PAGE as isize),
            Key::Char('s' | 'r' | 'h') if self.lost.is_some() => {
                return self.complain("there is no connection to the daemon".into());
            }
            Key::Char('s') => return self.suspend(),
            Key::Char('r') => return self.resume(),
            Key::Char('h') => return self.hang_up(),
            _ => {}
        }
        None
    }

    fn turn_to(&mut self, pane: Pane) {
        if self.pane != pane {
            (self.pane, self.row) = (pane, 0);
        }
    }

    fn step(&mut self, by: isize) -> Option<Order> {
        let moved = |at: usize, count: usize| at.saturating_add_signed(by).min(count.saturating_sub(1));
        if self.pane != Pane::Trunks || self.in_channels {
            self.row = moved(self.row, self.rows());
            return None;
        }
        let before = self.span;
        self.span = moved(self.span, self.snapshot.as_ref().map_or(0, |s| s.spans.len()));
        if self.span == before {
            return None;
        }
        self.row = 0;
        self.look()
    }

    fn look(&mut self) -> Option<Order> {
        let snapshot = self.snapshot.as_mut()?;
        // Those of another span would be taken for its own.
        snapshot.channels.clear();
        Some(Order::Look(snapshot.spans.get(self.span)?.number))
    }

    /// What the keys are about in the first pane.
    fn target(&self) -> Option<Target> {
        if self.pane != Pane::Trunks {
            return None;
        }
        if self.in_channels {
            let channel = self.channel()?;
            return Some(Target::Channels { span: channel.span, first: channel.channel, last: channel.channel });
        }
        Some(Target::Span(self.snapshot.as_ref()?.spans.get(self.span)?.number))
    }

    fn suspend(&mut self) -> Option<Order> {
        match self.target() {
            Some(target) => Some(Order::Plan(Suspend::new(target))),
            None => self.complain("choose a span or a channel to suspend: t shows them".into()),
        }
    }

    fn resume(&mut self) -> Option<Order> {
        let snapshot = self.snapshot.as_ref()?;
        let (target, hold, concerned): (Target, Hold, Vec<&SuspensionInfo>) = if self.pane == Pane::Out {
            let Some(one) = snapshot.suspensions.get(self.row) else {
                return self.complain("nothing is suspended".into());
            };
            match one.target.parse() {
                Ok(target) => (target, one.hold, vec![one]),
                Err(_) => return self.complain(format!("{} cannot be resumed from here", words::clean(&one.target))),
            }
        } else {
            let Some(target) = self.target() else {
                return self.complain("choose a span, a channel (t) or a suspension (o) to resume".into());
            };
            let channels: Vec<&ChannelInfo> = match self.channel() {
                Some(channel) => vec![channel],
                None => snapshot.channels.iter().collect(),
            };
            let holds = || channels.iter().flat_map(|channel| &channel.holds);
            let for_ = |reason| holds().find(|hold| hold.hold == reason);
            let Some(first) = for_(Hold::Operator).or_else(|| for_(Hold::Load)) else {
                return self.complain(format!("no channel of {target} is suspended"));
            };
            let concerns =
                |s: &&SuspensionInfo| s.hold == first.hold && holds().any(|hold| hold.suspension == Some(s.id));
            (target, first.hold, snapshot.suspensions.iter().filter(concerns).collect())
        };
        let concerned: Vec<SuspensionInfo> = concerned.into_iter().cloned().collect();
        let text = format!(
            "This puts {target} back into service.\nSuspended it was by:\n{}",
            show::suspensions(&concerned, snapshot.at_ms)
        );
        self.ask(format!("Resume {target}?"), text, Order::Resume(Resume { target, hold, reason: None, ticket: None }));
        None
    }

    fn hang_up(&mut self) -> Option<Order> {
        let snapshot = self.snapshot.as_ref()?;
        let call = match self.pane {
            Pane::Calls => snapshot.calls.get(self.row),
            Pane::Trunks => {
                let on = self.channel().and_then(|channel| channel.call);
                snapshot.calls.iter().find(|call| Some(call.id) == on)
            }
            _ => None,
        };
        let Some(call) = call.cloned() else {
            return self.complain("choose a call to hang up (c), or a channel that has one".into());
        };
        let text = show::calls(std::slice::from_ref(&call), snapshot.at_ms);
        self.ask(format!("Hang up call {}?", call.id), text, Order::HangUp(call.id));
        None
    }
}
