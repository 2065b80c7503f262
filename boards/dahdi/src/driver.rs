//! What the board needs of the driver: files, and requests to them.
//!
//! [`crate::Kernel`] is the real one. The trait is where a test puts a driver of its own, for what no driver without a line can
//! show: alarms of the far end, a board that makes frames itself, maintenance, a board that is pulled out.

use crate::abi::{Buffers, ChannelConfig, DynamicSpan, LineConfig, Maintenance, Parameters, SpanInfo};
use std::io;
use std::os::fd::RawFd;

/// Where the driver's files are opened.
pub trait Driver: Send {
    /// The file for questions about spans, and their configuration.
    ///
    /// # Errors
    /// The system's, `NotFound` where the driver is not loaded.
    fn control(&self) -> io::Result<Box<dyn Node>>;

    /// A file for a channel, which [`Request::Specify`] names.
    ///
    /// # Errors
    /// The system's.
    fn channel(&self) -> io::Result<Box<dyn Node>>;
}

/// An open file of the driver. Nothing waits: what cannot be done now answers `WouldBlock`.
pub trait Node: Send + Sync {
    /// To be polled.
    fn descriptor(&self) -> RawFd;

    /// A buffer of samples, or a frame with two octets more.
    ///
    /// # Errors
    /// The system's; [`crate::abi::ELAST`] when events are to be read first.
    fn read(&self, octets: &mut [u8]) -> io::Result<usize>;

    /// The same the other way.
    ///
    /// # Errors
    /// As for [`Node::read`].
    fn write(&self, octets: &[u8]) -> io::Result<usize>;

    /// Anything else.
    ///
    /// # Errors
    /// The system's.
    fn request(&self, request: Request<'_>) -> io::Result<()>;
}

/// What can be asked of a file of the driver.
pub enum Request<'a> {
    /// This file is for the channel of this number.
    Specify(i32),
    /// Buffers of a channel.
    SetBuffers(Buffers),
    /// Throw away what is buffered: [`crate::abi::FLUSH_SEND`] and its like.
    Flush(i32),
    /// Tell of overruns and underruns (1) or do not (0).
    BufferEvents(i32),
    /// Audio (1) rather than octets as they are (0).
    AudioMode(i32),
    /// Echo canceller with so many taps; 0: none.
    EchoCancel(i32),
    /// Send back what arrives (1) or do not (0).
    Loopback(i32),
    /// The oldest event.
    Event(&'a mut i32),
    /// What the channel named in it is.
    Parameters(&'a mut Parameters),
    /// State of the span named in it.
    SpanStatus(&'a mut SpanInfo),
    /// Maintenance of a span.
    Maintenance(Maintenance),
    /// How a span is to be run.
    ConfigureSpan(LineConfig),
    /// What a channel is for.
    ConfigureChannel(ChannelConfig),
    /// Start a span.
    Startup(i32),
    /// Make a dynamic span, whose number is answered.
    CreateDynamic(&'a mut DynamicSpan),
    /// Take a dynamic span away.
    DestroyDynamic(DynamicSpan),
}
