//! A driver without a board, at the boundary of its requests: lines that send what they are told to, and boards that can be in any
//! alarm, make frames themselves, be maintained, or be pulled out. Its buffers behave as the driver's do, millisecond by millisecond.
#![allow(dead_code, reason = "each test uses its part")]

use board_dahdi::abi::{self, event, signalling};
use board_dahdi::{At, BuildOut, CardSettings, Coding, DahdiCard, Driver, Framing, Node, Request, SpanSettings};
use hal::{Card, ChunkLength, Line, Readiness, Running, SpanIndex, Timeslot};
use std::collections::VecDeque;
use std::io;
use std::os::fd::RawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SAMPLES_A_MS: usize = 8;

/// A channel of the driver.
#[derive(Default)]
pub struct Channel {
    pub number: i32,
    pub span: usize,
    pub position: i32,
    pub signalling: i32,
    pub capable: i32,
    pub open: bool,
    pub buffers: (usize, usize),
    /// Whole buffers, or frames with their check sequence, oldest first.
    pub received: VecDeque<Vec<u8>>,
    filling: Vec<u8>,
    /// What is to be sent, and how much of the first has been.
    pub to_send: VecDeque<Vec<u8>>,
    sent_of_first: usize,
    /// Buffers to write into, so that a write allocates nothing, as it does not in the driver.
    spare: Vec<Vec<u8>>,
    pub events: VecDeque<i32>,
    buffer_events: bool,
    starved: bool,
    pub looped: bool,
    pub audio: bool,
    pub taps: i32,
    /// No canceller was attached to it when the driver was configured.
    pub without_canceller: bool,
    /// Octets the line has brought so far.
    pub arrived: usize,
    /// All that went out on the line.
    pub line: Vec<u8>,
    /// Frames that went out, with two octets for the check sequence.
    pub frames: Vec<Vec<u8>>,
}

impl Channel {
    fn is_frames(&self) -> bool {
        self.signalling != signalling::CLEAR
    }

    /// A millisecond on the line.
    fn pass(&mut self) {
        let arriving: [u8; SAMPLES_A_MS] = std::array::from_fn(|place| pattern(self.number, self.arrived + place));
        self.arrived += SAMPLES_A_MS;
        for octet in arriving {
            if self.received.len() == self.buffers.0 {
                if !self.starved && self.buffer_events {
                    self.events.push_back(event::READ_OVERRUN);
                }
                self.starved = true;
                break;
            }
            self.starved = false;
            self.filling.push(octet);
            if self.filling.len() == self.buffers.1 {
                self.received.push_back(std::mem::take(&mut self.filling));
            }
        }
        for octet in arriving {
            let ours = self.to_send.front().map(|first| first[self.sent_of_first]);
            if ours.is_some() {
                self.sent_of_first += 1;
                if self.to_send[0].len() == self.sent_of_first {
                    self.spare.extend(self.to_send.pop_front());
                    self.sent_of_first = 0;
                    if self.to_send.is_empty() && self.buffer_events && !self.looped {
                        self.events.push_back(event::WRITE_UNDERRUN);
                    }
                }
            }
            self.line.push(ours.unwrap_or(if self.looped { octet } else { 0xff }));
        }
    }
}

/// What a line brings: different on each channel, and never the same octet twice in a row.
pub fn pattern(channel: i32, octet: usize) -> u8 {
    (octet as u8).wrapping_add((channel as u8).wrapping_mul(7))
}

/// A span of the driver.
pub struct Board {
    pub name: &'static str,
    pub line: Line,
    pub alarms: i32,
    pub counters: [i32; 3],
    /// The state of maintenance, where there is any.
    pub maintenance: Option<i32>,
    /// Every maintenance command.
    pub commands: Vec<i32>,
    pub config: Option<(i32, i32)>,
    pub started: bool,
    pub running: bool,
    pub pulled: bool,
}

/// All of it.
#[derive(Default)]
pub struct World {
    pub boards: Vec<Board>,
    pub channels: Vec<Channel>,
}

impl World {
    pub fn channel(&mut self, span: usize, timeslot: u8) -> &mut Channel {
        let found = self.channels.iter_mut().find(|c| c.span == span && c.position == i32::from(timeslot));
        found.expect("a channel")
    }

    /// The alarms of a span change, and every open channel hears of it.
    pub fn alarm(&mut self, span: usize, bits: i32) {
        self.boards[span].alarms = bits;
        let event = if bits == 0 { event::NO_ALARM } else { event::ALARM };
        self.channels.iter_mut().filter(|c| c.span == span && c.open).for_each(|c| c.events.push_back(event));
    }

    /// A board is pulled out.
    pub fn pull(&mut self, span: usize) {
        self.boards[span].pulled = true;
        self.channels.iter_mut().filter(|c| c.span == span && c.open).for_each(|c| c.events.push_back(event::REMOVED));
    }
}

/// The driver.
#[derive(Clone, Default)]
pub struct Double(Arc<Mutex<World>>);

impl Double {
    /// With spans of these lines; none is configured.
    pub fn new(lines: &[Line]) -> Double {
        let double = Double::default();
        let names = ["WCT1/0", "WCT1/1", "WCT1/2", "WCT1/3"];
        for (span, line) in lines.iter().enumerate() {
            let mut world = double.world();
            world.boards.push(Board {
                name: names[span],
                line: *line,
                alarms: 0,
                counters: [0; 3],
                maintenance: Some(0),
                commands: Vec::new(),
                config: None,
                started: false,
                running: true,
                pulled: false,
            });
            for position in 1..=i32::from(line.timeslots()) {
                let number = world.channels.len() as i32 + 1;
                world.channels.push(Channel {
                    number,
                    span,
                    position,
                    capable: signalling::HDLC_FCS,
                    line: Vec::with_capacity(1 << 20),
                    ..Channel::default()
                });
            }
        }
        double
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many milliseconds of every line.
    pub fn pass(&self, milliseconds: usize) {
        let World { boards, channels } = &mut *self.world();
        let running = |span: usize| boards[span].running && boards[span].started && !boards[span].pulled;
        for _ in 0..milliseconds {
            for channel in channels.iter_mut().filter(|c| c.open && !c.is_frames() && running(c.span)) {
                channel.pass();
            }
        }
        for channel in channels.iter_mut().filter(|c| c.open && c.is_frames()) {
            channel.frames.extend(channel.to_send.drain(..));
            // As many as were taken.
            channel.spare.resize_with(64, || Vec::with_capacity(1024));
        }
    }
}

impl Driver for Double {
    fn control(&self) -> io::Result<Box<dyn Node>> {
        Ok(Box::new(File { double: self.clone(), channel: Mutex::default() }))
    }

    fn channel(&self) -> io::Result<Box<dyn Node>> {
        self.control()
    }
}

struct File {
    double: Double,
    channel: Mutex<Option<usize>>,
}

fn error<T>(number: i32) -> io::Result<T> {
    Err(io::Error::from_raw_os_error(number))
}

const EINVAL: i32 = 22;
const EAGAIN: i32 = 11;
const EBUSY: i32 = 16;
const ENODEV: i32 = 19;
const ENOSYS: i32 = 38;

impl File {
    fn on<T>(&self, what: impl FnOnce(&mut Channel) -> io::Result<T>) -> io::Result<T> {
        let channel = self.channel.lock().expect("no panic");
        let mut world = self.double.world();
        let Some(channel) = *channel else { return error(EINVAL) };
        let World { boards, channels } = &mut *world;
        let channel = &mut channels[channel];
        if boards[channel.span].pulled && channel.events.is_empty() {
            return error(ENODEV);
        }
        what(channel)
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = self.on(|channel| {
            channel.open = false;
            Ok(())
        });
    }
}

impl Node for File {
    fn descriptor(&self) -> RawFd {
        -1
    }

    fn read(&self, octets: &mut [u8]) -> io::Result<usize> {
        self.on(|channel| {
            if !channel.events.is_empty() {
                return error(abi::ELAST);
            }
            let Some(first) = channel.received.pop_front() else { return error(EAGAIN) };
            let length = first.len().min(octets.len());
            octets[..length].copy_from_slice(&first[..length]);
            Ok(length)
        })
    }

    fn write(&self, octets: &[u8]) -> io::Result<usize> {
        self.on(|channel| {
            if !channel.events.is_empty() {
                return error(abi::ELAST);
            }
            if channel.to_send.len() == channel.buffers.0 {
                return error(EAGAIN);
            }
            let length = octets.len().min(channel.buffers.1);
            let mut buffer = channel.spare.pop().unwrap_or_default();
            buffer.clear();
            buffer.extend_from_slice(&octets[..length]);
            channel.to_send.push_back(buffer);
            Ok(length)
        })
    }

    fn request(&self, request: Request<'_>) -> io::Result<()> {
        match request {
            Request::Specify(number) => {
                let mut world = self.double.world();
                let Some(at) = world.channels.iter().position(|c| c.number == number) else { return error(EINVAL) };
                if std::mem::replace(&mut world.channels[at].open, true) {
                    return error(EBUSY);
                }
                *self.channel.lock().expect("no panic") = Some(at);
                Ok(())
            }
            Request::SetBuffers(asked) => self.on(|channel| {
                let (number, size) = (asked.number as usize, asked.size as usize);
                assert!((2..=32).contains(&number) && (16..=8192).contains(&size) && number * size <= 32768);
                channel.buffers = (number, size);
                channel.spare = (0..2 * number).map(|_| Vec::with_capacity(size)).collect();
                channel.to_send.reserve(number);
                Ok(())
            }),
            Request::Flush(which) => self.on(|channel| {
                if which & abi::FLUSH_RECEIVED != 0 {
                    channel.received.clear();
                    channel.filling.clear();
                }
                if which & abi::FLUSH_SEND != 0 {
                    channel.spare.extend(channel.to_send.drain(..));
                    channel.sent_of_first = 0;
                }
                Ok(())
            }),
            Request::BufferEvents(on) => self.on(|channel| {
                channel.buffer_events = on != 0;
                Ok(())
            }),
            Request::AudioMode(on) => self.on(|channel| {
                channel.audio = on != 0;
                Ok(())
            }),
            Request::EchoCancel(taps) => self.on(|channel| {
                if channel.without_canceller {
                    return error(EINVAL);
                }
                channel.taps = taps;
                if channel.audio { Ok(()) } else { error(EINVAL) }
            }),
            Request::Loopback(on) => self.on(|channel| {
                channel.looped = on != 0;
                Ok(())
            }),
            Request::Event(event) => self.on(|channel| {
                *event = channel.events.pop_front().unwrap_or(event::NONE);
                Ok(())
            }),
            Request::Parameters(asked) => {
                let world = self.double.world();
                let number = asked.channel;
                let Some(channel) = world.channels.iter().find(|c| c.number == number) else { return error(EINVAL) };
                (asked.span, asked.position) = (channel.span as i32 + 1, channel.position);
                (asked.signalling, asked.capable) = (channel.signalling, channel.capable);
                Ok(())
            }
            Request::SpanStatus(asked) => {
                let world = self.double.world();
                let Some(board) = world.boards.get(asked.span as usize - 1) else { return error(EINVAL) };
                if board.pulled {
                    return error(ENODEV);
                }
                let mut name = [0; 20];
                name[..board.name.len()].copy_from_slice(board.name.as_bytes());
                (asked.name, asked.alarms) = (name, board.alarms);
                asked.channels = i32::from(board.line.timeslots());
                [asked.code_violations, asked.crc_errors, asked.framing_errors] = board.counters;
                Ok(())
            }
            Request::Maintenance(asked) => {
                let mut world = self.double.world();
                let board = &mut world.boards[asked.span as usize - 1];
                let Some(state) = &mut board.maintenance else { return error(ENOSYS) };
                *state = asked.command;
                board.commands.push(asked.command);
                Ok(())
            }
            Request::ConfigureSpan(asked) => {
                let mut world = self.double.world();
                world.boards[asked.span as usize - 1].config = Some((asked.line, asked.timing));
                Ok(())
            }
            Request::ConfigureChannel(asked) => {
                let mut world = self.double.world();
                let number = asked.channel;
                let Some(channel) = world.channels.iter_mut().find(|c| c.number == number) else {
                    return error(EINVAL);
                };
                channel.signalling = asked.signalling;
                Ok(())
            }
            Request::Startup(span) => {
                self.double.world().boards[span as usize - 1].started = true;
                Ok(())
            }
            Request::CreateDynamic(_) | Request::DestroyDynamic(_) => error(ENOSYS),
        }
    }
}

/// A card of these lines, by number.
pub fn settings(lines: &[Line]) -> CardSettings {
    let span = |(number, line): (u16, &Line)| SpanSettings {
        at: At::Number(number),
        line: *line,
        framing: if *line == Line::T1 { Framing::Esf } else { Framing::Crc4 },
        coding: Coding::clear(*line),
        timing: 1,
        build_out: BuildOut::default(),
    };
    CardSettings {
        name: "card".into(),
        configure: true,
        reserve_ms: 5,
        echo_cancel_taps: 0,
        spans: (1..).zip(lines).map(span).collect(),
    }
}

/// It, started with ticks of 10 ms.
pub fn started(double: &Double, lines: &[Line]) -> Running {
    started_as(double, settings(lines))
}

pub fn started_as(double: &Double, settings: CardSettings) -> Running {
    let card = DahdiCard::find(settings, Box::new(double.clone())).expect("found");
    let mut running = Box::new(card).start(ChunkLength::Ms10).expect("started");
    assert_eq!(running.traffic.begin().expect("present"), Readiness::NotYet, "nothing has come yet");
    running
}

/// One tick in which every bearer channel is sent back what it brought; false when there was no chunk.
pub fn echo(running: &mut Running, lines: &[Line]) -> bool {
    if running.traffic.begin().expect("present") == Readiness::NotYet {
        return false;
    }
    for (span, line) in lines.iter().enumerate() {
        let span = SpanIndex(span as u8);
        for timeslot in line.bearers() {
            let mut chunk = [0; 80];
            chunk.copy_from_slice(running.traffic.received(span, timeslot));
            running.traffic.to_send(span, timeslot).copy_from_slice(&chunk);
        }
    }
    running.traffic.end().expect("present");
    true
}

/// Ticks until the card has no more chunks.
pub fn echo_all(running: &mut Running, lines: &[Line]) -> usize {
    std::iter::from_fn(|| echo(running, lines).then_some(())).count()
}

/// Where in what a channel sends back the octets are that came last: the delay in octets, if the last `octets` are without a gap.
pub fn delay(double: &Double, span: usize, timeslot: Timeslot, octets: usize) -> Option<usize> {
    let mut world = double.world();
    let channel = world.channel(span, timeslot.0);
    let sent = &channel.line[channel.line.len() - octets..];
    (0..1024).find(|delay| {
        let first = channel.arrived.checked_sub(octets + delay);
        first.is_some_and(|first| sent.iter().enumerate().all(|(at, o)| *o == pattern(channel.number, first + at)))
    })
}
