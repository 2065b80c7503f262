//! Two spans of the driver that are joined in the kernel: ours, and that of whoever is at the far end.
//!
//! Data path: a request to the driver → a dynamic span.
//! Source: the driver's "loc" carrier; an address is a key and which of the two ends it is.

use board_dahdi::abi::{Blank, DynamicSpan};
use board_dahdi::{At, BuildOut, CardSettings, Coding, Driver, Framing, Kernel, Node, Request, SpanSettings};
use hal::Line;
use std::io;

/// Milliseconds of the reserve. Spans without a board are served by the kernel's timer, 250 times a second in Debian's kernel and so
/// four to eight milliseconds of the line at a time; a board interrupts once a millisecond.
pub const RESERVE_MS: u8 = 10;

/// The two spans; ours has number 1, as the driver counts.
pub struct Lines {
    control: Box<dyn Node>,
    line: Line,
    ends: [Option<DynamicSpan>; 2],
}

impl Lines {
    /// Make them.
    pub fn new(line: Line) -> io::Result<Lines> {
        let mut lines = Lines { control: Kernel::default().control()?, line, ends: [None; 2] };
        lines.create(0)?;
        lines.create(1)?;
        Ok(lines)
    }

    /// Make an end (again): 0 is ours, 1 the far one.
    pub fn create(&mut self, end: usize) -> io::Result<()> {
        let mut span = DynamicSpan { channels: i32::from(self.line.timeslots()), ..DynamicSpan::BLANK };
        span.carrier[..3].copy_from_slice(b"loc");
        span.address[..3].copy_from_slice(&[b'1', b':', b'0' + end as u8]);
        self.control.request(Request::CreateDynamic(&mut span))?;
        self.ends[end] = Some(span);
        Ok(())
    }

    /// Take an end away.
    pub fn destroy(&mut self, end: usize) -> io::Result<()> {
        self.ends[end].take().map_or(Ok(()), |span| self.control.request(Request::DestroyDynamic(span)))
    }

    /// The driver's number of the first channel of an end.
    pub fn first_channel(&self, end: usize) -> Result<i32, String> {
        let number = self.ends[end].map_or(0, |span| span.span);
        let spans = board_dahdi::list(&Kernel::default()).map_err(|e| e.to_string())?;
        let span = spans.into_iter().find(|span| span.number == number);
        let first = span.and_then(|span| span.channel(hal::Timeslot(1)));
        first.map(|channel| channel.number).ok_or_else(|| format!("span {number} has no channels"))
    }

    /// A card of one end.
    pub fn card(&self, end: usize) -> CardSettings {
        let number = self.ends[end].map_or(0, |span| span.span);
        let (line, at) = (self.line, At::Number(number as u16));
        let framing = if line == Line::T1 { Framing::Esf } else { Framing::Crc4 };
        let (coding, build_out) = (Coding::clear(line), BuildOut::default());
        CardSettings {
            name: format!("end {end}"),
            configure: true,
            reserve_ms: RESERVE_MS,
            echo_cancel_taps: 0,
            spans: vec![SpanSettings { at, line, framing, coding, timing: 0, build_out }],
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        for end in [1, 0] {
            // What is still open is in use, and goes with the machine.
            let _ = self.destroy(end);
        }
    }
}
