//! A card that has been found: what it is, and how it is started.
//!
//! Looks after the order of the driver's requests: spans and channels configured and started, channels opened, buffers set. What
//! happens in a tick is in `traffic` and `span`.
//!
//! Data path: [`CardSettings`] → the driver → [`hal::Running`].
//! Time: before the first tick.

use crate::abi::signalling;
use crate::control::{ControlledSpan, DahdiControl, is_maintained, support};
use crate::driver::{Driver, Node, Request};
use crate::find::{self, FoundChannel, FoundSpan};
use crate::meaning::{self, LineCounts};
use crate::settings::{CardSettings, SpanSettings};
use crate::span::{Channel, Span, SpanState, buffers};
use crate::traffic::DahdiBoard;
use board_spans::SpanTraffic;
use hal::{Capabilities, Card, ChunkLength, Counters, Error, ErrorKind, Line, Running, SpanDescription, SpanIndex};
use std::io;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};

/// Samples of a timeslot in a millisecond.
const SAMPLES_A_MS: usize = 8;

/// See the module.
pub struct DahdiCard {
    settings: CardSettings,
    driver: Box<dyn Driver>,
    control: Box<dyn Node>,
    found: Vec<FoundSpan>,
    descriptions: Vec<SpanDescription>,
    support: Vec<hal::Support>,
    with_d_channel: Vec<bool>,
}

impl DahdiCard {
    /// Look for the spans of a card.
    ///
    /// # Errors
    /// `Reopen` when one of them is not there (yet), `GiveUp` when the driver cannot be used or the span is of another kind.
    pub fn find(settings: CardSettings, driver: Box<dyn Driver>) -> Result<DahdiCard, Error> {
        let failed = |source: io::Error| {
            let kind = match source.kind() {
                io::ErrorKind::NotFound => ErrorKind::Reopen,
                _ => ErrorKind::GiveUp,
            };
            Error::io(kind, "find the spans of the card", source)
        };
        let wanted: Vec<_> = settings.spans.iter().map(|span| (span.at.clone(), span.line)).collect();
        let found = find::of_card(&*driver, &wanted).map_err(failed)?;
        let control = driver.control().map_err(failed)?;
        let describe = |span: &FoundSpan, line: Line| SpanDescription {
            line,
            label: format!("DAHDI span {} \"{}\"", span.number, span.name),
        };
        let descriptions = found.iter().zip(&settings.spans).map(|(span, asked)| describe(span, asked.line)).collect();
        let able =
            |(span, asked): (&FoundSpan, &SpanSettings)| support(asked.line, is_maintained(&*control, span.number));
        let support = found.iter().zip(&settings.spans).map(able).collect();
        let with_d_channel = vec![true; found.len()];
        Ok(DahdiCard { settings, driver, control, found, descriptions, support, with_d_channel })
    }

    /// Whether a timeslot of a span carries the D channel.
    fn is_d_channel(&self, span: usize, channel: &FoundChannel) -> bool {
        self.with_d_channel[span] && channel.timeslot == self.settings.spans[span].line.d_channel()
    }

    /// Tell the driver how the spans are to be run.
    fn configure(&self) -> Result<(), Error> {
        for (index, (found, asked)) in self.found.iter().zip(&self.settings.spans).enumerate() {
            let told = self.configure_span(index, found, asked);
            let failed = |(what, source): (String, io::Error)| {
                let advice = match source.raw_os_error() {
                    Some(libc::EBUSY) => " (another program has it: stop that, or let one of the two configure)",
                    Some(libc::EINVAL) => " (the board does not do this: see framing, coding and line of the span)",
                    _ => "",
                };
                let text = format!("{what} of span {}: {source}{advice}", asked.at);
                Error::io(ErrorKind::GiveUp, "configure the card", io::Error::new(source.kind(), text))
            };
            told.map_err(failed)?;
        }
        Ok(())
    }

    fn configure_span(&self, index: usize, found: &FoundSpan, asked: &SpanSettings) -> Result<(), (String, io::Error)> {
        let line = asked.line_config(found.number);
        self.control.request(Request::ConfigureSpan(line)).map_err(|e| ("line".to_owned(), e))?;
        for channel in &found.channels {
            let d_channel = self.is_d_channel(index, channel);
            let hard = d_channel && channel.capable & signalling::HARD_HDLC == signalling::HARD_HDLC;
            let config = asked.channel_config(channel.number, d_channel, hard);
            let told = self.control.request(Request::ConfigureChannel(config));
            told.map_err(|e| (format!("timeslot {}", channel.timeslot), e))?;
        }
        self.control.request(Request::Startup(found.number)).map_err(|e| ("start".to_owned(), e))
    }

    /// What somebody else has configured has to be what we need.
    fn check(&self) -> Result<(), Error> {
        for (index, (found, asked)) in self.found.iter().zip(&self.settings.spans).enumerate() {
            for channel in &found.channels {
                let frames = matches!(channel.signalling, signalling::HDLC_FCS | signalling::HARD_HDLC);
                let is = channel.signalling;
                let wrong = match self.is_d_channel(index, channel) {
                    true if !frames => "carry the D channel: `dchan=` or `hardhdlc=` in the driver's system.conf",
                    false if is != signalling::CLEAR => "carry speech: `bchan=` in the driver's system.conf",
                    _ => continue,
                };
                let text = format!(
                    "span {}, timeslot {} (channel {}) is not configured to {wrong}; or set configure = true",
                    asked.at, channel.timeslot, channel.number
                );
                let source = io::Error::new(io::ErrorKind::InvalidInput, text);
                return Err(Error::io(ErrorKind::GiveUp, "use the card as it is configured", source));
            }
        }
        Ok(())
    }

    fn open(&self, span: &SpanSettings, channel: &FoundChannel, samples: Option<usize>) -> Result<Channel, Error> {
        let opened = || {
            let node = self.driver.channel()?;
            node.request(Request::Specify(channel.number))?;
            node.request(Request::SetBuffers(buffers(samples)))?;
            Ok(node)
        };
        let node: Box<dyn Node> = opened().map_err(|source: io::Error| {
            let advice = match source.raw_os_error() {
                Some(libc::EBUSY) => " (another program has it open)",
                _ => "",
            };
            let text = format!("span {}, timeslot {}: {source}{advice}", span.at, channel.timeslot);
            let kind = meaning::failed("", source).kind();
            let kind = if kind == ErrorKind::Reopen { kind } else { ErrorKind::GiveUp };
            Error::io(kind, "open a channel of the card", io::Error::other(text))
        })?;
        Ok(Channel { timeslot: channel.timeslot, node: node.into() })
    }

    /// Audio with the driver's echo canceller, where it has one.
    fn cancel_echo(&self, channel: &Channel) -> io::Result<()> {
        channel.node.request(Request::AudioMode(1))?;
        let taps = i32::from(self.settings.echo_cancel_taps);
        channel.node.request(Request::EchoCancel(taps)).or_else(|error| {
            channel.node.request(Request::AudioMode(0))?;
            Err(error)
        })
    }
}

impl Card for DahdiCard {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn spans(&self) -> &[SpanDescription] {
        &self.descriptions
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities { support: self.support.iter().copied().collect(), counters: true }
    }

    fn without_d_channel(&mut self, span: SpanIndex) -> Result<(), Error> {
        let with = self.with_d_channel.get_mut(usize::from(span.0));
        *with.ok_or(Error::new(ErrorKind::Unsupported, "use a span the card lacks"))? = false;
        Ok(())
    }

    /// Taps set for this card by itself stand.
    fn cancel_echo(&mut self, tail_ms: u32) -> Result<(), Error> {
        if self.settings.echo_cancel_taps == 0 {
            // Eight samples a millisecond (G.711, clause 2).
            self.settings.echo_cancel_taps = u16::try_from(tail_ms * 8).unwrap_or(u16::MAX);
        }
        Ok(())
    }

    fn start(self: Box<Self>, chunk: ChunkLength) -> Result<Running, Error> {
        if self.settings.configure {
            self.configure()?;
        } else {
            self.check()?;
        }
        let samples = chunk.samples();
        let reserve = usize::from(self.settings.reserve_ms) * SAMPLES_A_MS;
        let mut spans = Vec::with_capacity(self.found.len());
        let mut controlled = Vec::with_capacity(self.found.len());
        for (index, (found, asked)) in self.found.iter().zip(&self.settings.spans).enumerate() {
            let (mut bearers, mut d_channel, mut channels) = (Vec::new(), None, Vec::new());
            let mut refused = None;
            for timeslot in 1..=asked.line.timeslots() {
                let Some(channel) = found.channel(hal::Timeslot(timeslot)) else { continue };
                let is_d_channel = self.is_d_channel(index, &channel);
                let open = self.open(asked, &channel, (!is_d_channel).then_some(samples))?;
                channels.push(Channel { timeslot: open.timeslot, node: Arc::clone(&open.node) });
                if is_d_channel {
                    d_channel = Some(open);
                    continue;
                }
                if self.settings.echo_cancel_taps > 0 && refused.is_none() {
                    refused = self.cancel_echo(&open).err();
                }
                bearers.push(open);
            }
            let cancels_echo = self.settings.echo_cancel_taps > 0 && refused.is_none();
            if let Some(error) = refused {
                log::warn!(
                    "card \"{}\", span {}: echo cancellation is not supported by this driver ({error}); calls go on without it",
                    self.settings.name,
                    asked.at
                );
            }
            if let Some(lead) = bearers.last()
                && let Err(error) = lead.node.request(Request::BufferEvents(1))
            {
                log::warn!("card \"{}\": the driver does not tell of underruns ({error})", self.settings.name);
            }
            let state = Arc::new(SpanState::default());
            let info = find::status(&*self.control, found.number);
            let info = info.map_err(|source| meaning::failed("read the state of a span", source))?;
            controlled.push(ControlledSpan {
                number: found.number,
                support: self.support[index],
                cancels_echo,
                state: Arc::clone(&state),
                channels,
                counted: Mutex::new((LineCounts::of(&info), Counters::default())),
            });
            spans.push(Span::new((found.number, asked.line), (samples, reserve), bearers, d_channel, state));
        }
        let removed = Arc::new(AtomicBool::new(false));
        let control: Arc<dyn Node> = self.control.into();
        let descriptors = spans.iter().filter_map(Span::descriptor).collect();
        let board = DahdiBoard { control: Arc::clone(&control) };
        let traffic = SpanTraffic::new(board, spans, descriptors, Arc::clone(&removed));
        let control = DahdiControl { control, spans: controlled, removed };
        Ok(Running { traffic: Box::new(traffic), control: Box::new(control) })
    }
}
