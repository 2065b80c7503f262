//! A card that may be pulled out and put back while the daemon runs.
//!
//! When the card says that it has gone, the real-time thread hands its half to a keeper, who drops both halves, looks for the
//! card every second, starts it as it was started first, and hands the new half back. In between the card answers `Reopen`,
//! and its spans are absent. One descriptor stays the same all the time: that of an epoll instance which holds the card's own.
//!
//! Data path: [`Slot`] → card → [`Traffic`] and [`Control`], as often as it comes.
//! Time: the keeper's own; the real-time thread only looks whether something has come.

use hal::{
    Alarms, Capabilities, Card, CardEvent, ChunkLength, Control, Counters, DFrame, Error, ErrorKind, FramerPattern,
    LineError, LoopRequest, Loopback, PatternResult, Readiness, Running, Slot, SpanDescription, SpanIndex, Support,
    Timeslot, TimeslotLoopback, Traffic,
};
use mio::unix::SourceFd;
use mio::{Interest, Poll, Registry, Token};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How often the keeper looks whether the card has gone.
const BEAT: Duration = Duration::from_millis(200);
/// How often it looks for one that has.
const SEARCH: Duration = Duration::from_secs(1);

/// See the module.
pub struct ReturningCard {
    slot: Box<dyn Slot>,
    card: Box<dyn Card>,
    without_d_channel: Vec<SpanIndex>,
    /// The longest echo it was asked to take out, in milliseconds.
    echo_tail_ms: Option<u32>,
}

impl ReturningCard {
    /// The card of this slot, which has to be there the first time.
    ///
    /// # Errors
    /// The slot's.
    pub fn find(mut slot: Box<dyn Slot>) -> Result<ReturningCard, Error> {
        let card = slot.find()?;
        Ok(ReturningCard { slot, card, without_d_channel: Vec::new(), echo_tail_ms: None })
    }
}

impl Card for ReturningCard {
    fn name(&self) -> &str {
        self.card.name()
    }

    fn spans(&self) -> &[SpanDescription] {
        self.card.spans()
    }

    fn capabilities(&self) -> Capabilities {
        self.card.capabilities()
    }

    fn without_d_channel(&mut self, span: SpanIndex) -> Result<(), Error> {
        self.card.without_d_channel(span)?;
        self.without_d_channel.push(span);
        Ok(())
    }

    fn cancel_echo(&mut self, tail_ms: u32) -> Result<(), Error> {
        self.card.cancel_echo(tail_ms)?;
        self.echo_tail_ms = Some(tail_ms);
        Ok(())
    }

    fn start(self: Box<Self>, chunk: ChunkLength) -> Result<Running, Error> {
        const START: &str = "watch over a card";
        let failed = |source: io::Error| Error::io(ErrorKind::GiveUp, START, source);
        let name = self.card.name().to_owned();
        let spans = self.card.spans().len();
        let running = self.card.start(chunk)?;
        let poll = Poll::new().map_err(failed)?;
        let registry = poll.registry().try_clone().map_err(failed)?;
        watch(&registry, &*running.traffic).map_err(failed)?;
        let support = (0..spans).map(|span| running.control.support(SpanIndex(span as u8))).collect();
        let desk = Arc::new(Mutex::new(Controls {
            now: Some(running.control),
            counted: vec![Counters::default(); spans],
            support,
        }));
        let (gone, removed) = rtrb::RingBuffer::new(1);
        let (returned, back) = rtrb::RingBuffer::new(1);
        let keeper = Keeper {
            name,
            slot: self.slot,
            without_d_channel: self.without_d_channel,
            echo_tail_ms: self.echo_tail_ms,
            spans,
            chunk,
            registry,
            desk: Arc::clone(&desk),
            removed,
            returned,
        };
        std::thread::Builder::new().name("card".into()).spawn(move || keeper.run()).map_err(failed)?;
        let traffic = ReturningTraffic {
            inner: Some(running.traffic),
            leaving: false,
            descriptors: [poll.as_raw_fd()],
            _poll: poll,
            gone,
            back,
        };
        Ok(Running { traffic: Box::new(traffic), control: Box::new(ReturningControl { desk }) })
    }
}

/// Have the descriptors of a card in the one that stays.
fn watch(registry: &Registry, traffic: &dyn Traffic) -> io::Result<()> {
    // Those of a card that has gone left with it.
    traffic.descriptors().iter().try_for_each(|fd| registry.register(&mut SourceFd(fd), Token(0), Interest::READABLE))
}

struct ReturningTraffic {
    inner: Option<Box<dyn Traffic>>,
    /// It has said that it has gone: handed over before the next tick, because this one may still look at it.
    leaving: bool,
    descriptors: [RawFd; 1],
    _poll: Poll,
    gone: rtrb::Producer<Box<dyn Traffic>>,
    back: rtrb::Consumer<Box<dyn Traffic>>,
}

impl ReturningTraffic {
    fn here<T>(
        &mut self,
        operation: &'static str,
        what: impl FnOnce(&mut dyn Traffic) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let inner = self.inner.as_mut().filter(|_| !self.leaving);
        let Some(inner) = inner else { return Err(Error::new(ErrorKind::Reopen, operation)) };
        let done = what(&mut **inner);
        self.leaving = done.as_ref().is_err_and(|error| error.kind() == ErrorKind::Reopen);
        done
    }
}

impl Traffic for ReturningTraffic {
    fn descriptors(&self) -> &[RawFd] {
        &self.descriptors
    }

    fn begin(&mut self) -> Result<Readiness, Error> {
        if std::mem::take(&mut self.leaving)
            && let Some(inner) = self.inner.take()
        {
            // There is room: the keeper has taken the one before, or this one could not have come.
            let _ = self.gone.push(inner);
        }
        if self.inner.is_none() {
            self.inner = self.back.pop().ok();
        }
        self.here("begin a tick", |inner| inner.begin())
    }

    fn serve(&mut self) -> Result<(), Error> {
        self.here("serve a card", |inner| inner.serve())
    }

    fn received(&self, span: SpanIndex, timeslot: Timeslot) -> &[u8] {
        self.inner.as_ref().map_or(&[], |inner| inner.received(span, timeslot))
    }

    fn to_send(&mut self, span: SpanIndex, timeslot: Timeslot) -> &mut [u8] {
        self.inner.as_mut().map_or(&mut [], |inner| inner.to_send(span, timeslot))
    }

    fn end(&mut self) -> Result<(), Error> {
        self.here("end a tick", |inner| inner.end())
    }

    fn receive_frame(&mut self, span: SpanIndex) -> Result<Option<DFrame>, Error> {
        self.here("receive a D-channel frame", |inner| inner.receive_frame(span))
    }

    fn send_frame(&mut self, span: SpanIndex, frame: &[u8]) -> Result<(), Error> {
        self.here("send a D-channel frame", |inner| inner.send_frame(span, frame))
    }

    fn next_event(&mut self) -> Option<CardEvent> {
        let event = self.inner.as_mut().filter(|_| !self.leaving)?.next_event();
        self.leaving = event == Some(CardEvent::Removed);
        event
    }
}

/// The control half there is now, and what those before it counted.
struct Controls {
    now: Option<Box<dyn Control>>,
    counted: Vec<Counters>,
    support: Vec<Support>,
}

impl Controls {
    fn let_go(&mut self) {
        if let Some(control) = self.now.take() {
            for (span, total) in self.counted.iter_mut().enumerate() {
                *total = *total + control.counters(SpanIndex(span as u8));
            }
        }
    }
}

struct Keeper {
    name: String,
    slot: Box<dyn Slot>,
    without_d_channel: Vec<SpanIndex>,
    echo_tail_ms: Option<u32>,
    spans: usize,
    chunk: ChunkLength,
    registry: Registry,
    desk: Arc<Mutex<Controls>>,
    removed: rtrb::Consumer<Box<dyn Traffic>>,
    returned: rtrb::Producer<Box<dyn Traffic>>,
}

impl Keeper {
    /// Until the real-time half is gone for good.
    fn run(mut self) {
        while !self.removed.is_abandoned() {
            let Ok(traffic) = self.removed.pop() else {
                std::thread::sleep(BEAT);
                continue;
            };
            log::warn!(target: "span", "card \"{}\" has gone; it is looked for every second", self.name);
            drop(traffic);
            lock(&self.desk).let_go();
            let mut said = String::new();
            while !self.removed.is_abandoned() {
                match self.look() {
                    Ok(()) => break,
                    Err(error) => {
                        let why = crate::office::chain(&error);
                        if why != said {
                            log::info!(target: "span", "card \"{}\" is not back: {why}", self.name);
                            said = why;
                        }
                    }
                }
                std::thread::sleep(SEARCH);
            }
        }
    }

    fn look(&mut self) -> Result<(), Error> {
        let mut card = self.slot.find()?;
        if card.spans().len() != self.spans {
            return Err(Error::new(ErrorKind::GiveUp, "find the spans the card had"));
        }
        self.without_d_channel.iter().try_for_each(|span| card.without_d_channel(*span))?;
        self.echo_tail_ms.map_or(Ok(()), |tail_ms| card.cancel_echo(tail_ms))?;
        let running = card.start(self.chunk)?;
        let watched = watch(&self.registry, &*running.traffic);
        watched.map_err(|source| Error::io(ErrorKind::GiveUp, "watch over a card", source))?;
        lock(&self.desk).now = Some(running.control);
        // The one before was handed to us, so there is room.
        let _ = self.returned.push(running.traffic);
        log::info!(target: "span", "card \"{}\" is back", self.name);
        Ok(())
    }
}

struct ReturningControl {
    desk: Arc<Mutex<Controls>>,
}

fn lock(desk: &Mutex<Controls>) -> MutexGuard<'_, Controls> {
    desk.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ReturningControl {
    fn ask<T>(
        &self,
        operation: &'static str,
        what: impl FnOnce(&mut dyn Control) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let mut desk = lock(&self.desk);
        what(&mut **desk.now.as_mut().ok_or(Error::new(ErrorKind::Reopen, operation))?)
    }
}

impl Control for ReturningControl {
    fn alarms(&self, span: SpanIndex) -> Alarms {
        lock(&self.desk).now.as_ref().map_or(Alarms::ABSENT | Alarms::LOS, |control| control.alarms(span))
    }

    fn counters(&self, span: SpanIndex) -> Counters {
        let desk = lock(&self.desk);
        let before = desk.counted.get(usize::from(span.0)).copied().unwrap_or_default();
        desk.now.as_ref().map_or(before, |control| before + control.counters(span))
    }

    fn set_loopback(&mut self, span: SpanIndex, loopback: Loopback) -> Result<(), Error> {
        self.ask("set a loopback", |control| control.set_loopback(span, loopback))
    }

    fn send_alarms(&mut self, span: SpanIndex, alarms: Alarms) -> Result<(), Error> {
        self.ask("send alarms", |control| control.send_alarms(span, alarms))
    }

    fn cancels_echo(&self, span: SpanIndex) -> bool {
        lock(&self.desk).now.as_ref().is_some_and(|control| control.cancels_echo(span))
    }

    fn support(&self, span: SpanIndex) -> Support {
        lock(&self.desk).support.get(usize::from(span.0)).copied().unwrap_or(Support::empty())
    }

    fn set_timeslot_loopback(
        &mut self,
        span: SpanIndex,
        timeslot: Timeslot,
        loopback: TimeslotLoopback,
    ) -> Result<(), Error> {
        self.ask("set a loopback of a timeslot", |control| control.set_timeslot_loopback(span, timeslot, loopback))
    }

    fn request_loop(&mut self, span: SpanIndex, request: LoopRequest) -> Result<(), Error> {
        self.ask("ask the far end for a loopback", |control| control.request_loop(span, request))
    }

    fn requested_loop(&mut self, span: SpanIndex) -> Option<LoopRequest> {
        lock(&self.desk).now.as_mut()?.requested_loop(span)
    }

    fn insert_errors(&mut self, span: SpanIndex, error: LineError, count: u32) -> Result<(), Error> {
        self.ask("insert errors", |control| control.insert_errors(span, error, count))
    }

    fn set_pattern(
        &mut self,
        span: SpanIndex,
        timeslots: &[Timeslot],
        pattern: Option<FramerPattern>,
    ) -> Result<(), Error> {
        self.ask("send a pattern of the framer", |control| control.set_pattern(span, timeslots, pattern))
    }

    fn pattern_result(&self, span: SpanIndex) -> Result<PatternResult, Error> {
        self.ask("read the pattern receiver of the framer", |control| control.pattern_result(span))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use board_loopback::LoopbackCard;
    use board_loopback::e1d::Server;
    use hal::Line;
    use mio::Events;
    use std::path::PathBuf;
    use std::time::Instant;

    /// Where lines are offered, and what was asked of the cards found there.
    struct Lines(PathBuf, Arc<Mutex<Vec<u32>>>);

    /// A card with an echo canceller.
    struct Cancelling(board_e1d::E1dCard, Arc<Mutex<Vec<u32>>>);

    impl Card for Cancelling {
        fn name(&self) -> &str {
            self.0.name()
        }

        fn spans(&self) -> &[SpanDescription] {
            self.0.spans()
        }

        fn capabilities(&self) -> Capabilities {
            self.0.capabilities()
        }

        fn cancel_echo(&mut self, tail_ms: u32) -> Result<(), Error> {
            self.1.lock().expect("whole").push(tail_ms);
            Ok(())
        }

        fn start(self: Box<Self>, chunk: ChunkLength) -> Result<Running, Error> {
            Box::new(self.0).start(chunk)
        }
    }

    impl Slot for Lines {
        fn find(&mut self) -> Result<Box<dyn Card>, Error> {
            let at = board_e1d::LineAt(board_e1d::wire::LineAddress { interface: 0, line: 0 });
            let spans = vec![board_e1d::SpanSettings { at, line: Line::E1 }];
            let settings = board_e1d::CardSettings { name: "e1".into(), socket: self.0.clone(), reserve_ms: 20, spans };
            Ok(Box::new(Cancelling(board_e1d::E1dCard::find(settings)?, Arc::clone(&self.1))))
        }
    }

    /// The near end of the line the server offers, and the server.
    fn server(socket: &std::path::Path) -> (Running, Server) {
        let mut builder = LoopbackCard::builder("near");
        let far_end = builder.span_on_socket(Line::E1);
        let near = Box::new(builder.build()).start(ChunkLength::Ms10).expect("started");
        (near, Server::spawn(socket, vec![far_end]).expect("a server"))
    }

    #[test]
    fn a_card_that_went_comes_back_by_the_same_descriptor() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("e1d.ctl");
        let asked = Arc::new(Mutex::new(Vec::new()));
        let lines = || Box::new(Lines(socket.clone(), Arc::clone(&asked)));
        assert!(ReturningCard::find(lines()).is_err(), "it has to be there at first");
        let (mut near, mut first) = (server(&socket), true);
        let mut card = ReturningCard::find(lines()).expect("found");
        card.cancel_echo(64).expect("it can");
        let mut ours = Box::new(card).start(ChunkLength::Ms10).expect("started");
        let (mut poll, mut events) = (Poll::new().expect("a poll"), Events::with_capacity(8));
        let descriptor = ours.traffic.descriptors()[0];
        poll.registry().register(&mut SourceFd(&descriptor), Token(7), Interest::READABLE).expect("watched");
        let (mut told, mut here, mut woken, mut ticks) = ([0; 3], true, false, 0);
        let deadline = Instant::now() + Duration::from_secs(30);
        while ticks < 20 {
            assert!(Instant::now() < deadline, "{told:?}");
            if near.0.traffic.begin().is_ok() {
                let _ = near.0.traffic.end();
            }
            poll.poll(&mut events, Some(Duration::from_millis(2))).expect("polled");
            woken |= !events.is_empty();
            if here && !woken {
                // Who is not woken does not look, so all that comes must wake.
                continue;
            }
            match ours.traffic.begin() {
                Ok(Readiness::Ready) => {
                    here = true;
                    ticks += 1;
                    ours.traffic.end().expect("here");
                    if first && ticks == 10 {
                        // Its socket is gone before the next one takes the path.
                        first = false;
                        drop(near);
                        near = server(&socket);
                    }
                    told[if first { 0 } else { 2 }] += 1;
                }
                // Woken once, it is asked until it has no more.
                Ok(Readiness::NotYet) => (here, woken) = (true, false),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::Reopen);
                    here = false;
                    assert!(told[1] > 0 || ours.control.alarms(SpanIndex(0)).contains(Alarms::ABSENT));
                    told[1] += 1;
                }
            }
        }
        assert!(told.iter().all(|times| *times > 0), "here, gone, here: {told:?}");
        assert!(ours.control.alarms(SpanIndex(0)).usable());
        assert_eq!(*asked.lock().expect("whole"), [64, 64], "echo is taken out after it has come back as before");
    }
}
