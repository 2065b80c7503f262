//! A card that has been found: lines of the daemon, and how they are opened.
//!
//! Data path: [`CardSettings`] → the control socket → [`hal::Running`].
//! Time: before the first tick.

use crate::client::{Connection, FRAME_MAX};
use crate::span::{Bearer, LineState, Span};
use crate::traffic::{E1dBoard, E1dControl};
use crate::wire::{LineAddress, Mode};
use board_spans::SpanTraffic;
use hal::{
    Alarms, Capabilities, Card, ChunkLength, Error, ErrorKind, Line, Running, SpanDescription, SpanIndex, Timeslot,
};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Samples of a timeslot in a millisecond.
const SAMPLES_A_MS: usize = 8;

/// Where a line is: `"INTERFACE/LINE"`, both counted from 0 as the daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineAt(pub LineAddress);

impl fmt::Display for LineAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0.interface, self.0.line)
    }
}

impl FromStr for LineAt {
    type Err = String;

    fn from_str(text: &str) -> Result<LineAt, String> {
        let parts = text.split_once('/').and_then(|(interface, line)| {
            Some(LineAddress { interface: interface.parse().ok()?, line: line.parse().ok()? })
        });
        parts
            .map(LineAt)
            .ok_or_else(|| format!("`{text}` is no line such as \"0/0\": interface and line, counted from 0"))
    }
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SpanSettings {
    /// Which.
    pub at: LineAt,
    /// E1, or T1 where the daemon drives one.
    pub line: Line,
}

/// A card: lines that share a clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardSettings {
    /// Its name.
    pub name: String,
    /// The daemon's control socket.
    pub socket: PathBuf,
    /// Milliseconds written ahead, which a late tick eats into.
    pub reserve_ms: u8,
    /// Its lines.
    pub spans: Vec<SpanSettings>,
}

/// See the module.
pub struct E1dCard {
    settings: CardSettings,
    connection: Connection,
    descriptions: Vec<SpanDescription>,
    with_d_channel: Vec<bool>,
}

impl E1dCard {
    /// Connect to the daemon.
    ///
    /// # Errors
    /// `Reopen` when it is not there (yet).
    pub fn find(settings: CardSettings) -> Result<E1dCard, Error> {
        let connection = Connection::open(&settings.socket).map_err(|source| {
            let text = format!(
                "{}: {source} (is osmo-e1d running, and may this user use its socket?)",
                settings.socket.display()
            );
            Error::io(ErrorKind::Reopen, "connect to osmo-e1d", io::Error::new(source.kind(), text))
        })?;
        let describe =
            |span: &SpanSettings| SpanDescription { line: span.line, label: format!("osmo-e1d line {}", span.at) };
        let descriptions: Vec<_> = settings.spans.iter().map(describe).collect();
        let with_d_channel = vec![true; descriptions.len()];
        Ok(E1dCard { settings, connection, descriptions, with_d_channel })
    }
}

impl Card for E1dCard {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn spans(&self) -> &[SpanDescription] {
        &self.descriptions
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::default()
    }

    fn without_d_channel(&mut self, span: SpanIndex) -> Result<(), Error> {
        let with = self.with_d_channel.get_mut(usize::from(span.0));
        *with.ok_or(Error::new(ErrorKind::Unsupported, "use a span the card lacks"))? = false;
        Ok(())
    }

    fn start(self: Box<Self>, chunk: ChunkLength) -> Result<Running, Error> {
        let samples = chunk.samples();
        let reserve = usize::from(self.settings.reserve_ms) * SAMPLES_A_MS;
        let states: Vec<Arc<LineState>> = self.settings.spans.iter().map(|_| Arc::default()).collect();
        // Alarms that come while timeslots are opened.
        let event = |at: LineAddress, alarm: Alarms, came: bool| {
            let known = self.settings.spans.iter().position(|span| span.at.0 == at);
            if let Some(known) = known {
                states[known].set_alarm(alarm, came);
            }
        };
        let mut spans = Vec::with_capacity(states.len());
        for (index, span) in self.settings.spans.iter().enumerate() {
            let open = |timeslot: Timeslot, mode: Mode, size: usize| {
                let opened = self.connection.timeslot(span.at.0, timeslot.0, mode, size as u16, event);
                opened.map_err(|source| {
                    let advice = match source.kind() {
                        io::ErrorKind::AddrInUse => {
                            "osmo-e1d refuses: another program has it, or there is no such line".to_owned()
                        }
                        _ => source.to_string(),
                    };
                    let text = format!("line {}, timeslot {timeslot}: {advice}", span.at);
                    Error::io(ErrorKind::Reopen, "open a timeslot", io::Error::new(source.kind(), text))
                })
            };
            let with_d_channel = self.with_d_channel[index];
            let mut bearers = Vec::new();
            for timeslot in span.line.bearers_beside(with_d_channel) {
                bearers.push(Bearer::new(timeslot, open(timeslot, Mode::Raw, samples)?));
            }
            let d_channel =
                with_d_channel.then(|| open(span.line.d_channel(), Mode::HdlcFcs, FRAME_MAX)).transpose()?;
            let state = Arc::clone(&states[index]);
            spans.push(Span::new((span.at.0, span.line), (samples, reserve), bearers, d_channel, state));
        }
        let removed = Arc::new(AtomicBool::new(false));
        let mut descriptors: Vec<_> = spans.iter().filter_map(Span::descriptor).collect();
        descriptors.push(self.connection.as_fd().as_raw_fd());
        let board = E1dBoard { connection: self.connection };
        let traffic = SpanTraffic::new(board, spans, descriptors, Arc::clone(&removed));
        Ok(Running { traffic: Box::new(traffic), control: Box::new(E1dControl { states, removed }) })
    }
}
