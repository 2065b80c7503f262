//! The system's calls: the one place with `unsafe`.
//!
//! Everything the driver is asked goes through [`call`]. Its soundness rests on [`Code`]: a request's number says how many octets
//! the driver copies in or out, and that this is the size of the argument is asserted when the number is compiled.
#![allow(unsafe_code, reason = "ioctl(2) takes a pointer")]

use crate::abi::{Code, code};
use crate::driver::{Driver, Node, Request};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The driver of the running kernel.
#[derive(Clone, Debug)]
pub struct Kernel {
    directory: PathBuf,
}

impl Default for Kernel {
    fn default() -> Self {
        Kernel { directory: "/dev/dahdi".into() }
    }
}

impl Kernel {
    fn open(&self, name: &str) -> io::Result<Box<dyn Node>> {
        let mut how = OpenOptions::new();
        how.read(true).write(true).custom_flags(libc::O_NONBLOCK);
        Ok(Box::new(Open(how.open(self.directory.join(name))?)))
    }

    /// Where its files are.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

impl Driver for Kernel {
    fn control(&self) -> io::Result<Box<dyn Node>> {
        self.open("ctl")
    }

    fn channel(&self) -> io::Result<Box<dyn Node>> {
        self.open("channel")
    }
}

/// The standard library's file, because it keeps error numbers that are not the system's own.
struct Open(File);

impl Node for Open {
    fn descriptor(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn read(&self, octets: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(octets)
    }

    fn write(&self, octets: &[u8]) -> io::Result<usize> {
        (&self.0).write(octets)
    }

    fn request(&self, request: Request<'_>) -> io::Result<()> {
        match request {
            Request::Specify(mut channel) => call(&self.0, &code::SPECIFY, &mut channel),
            Request::SetBuffers(mut buffers) => call(&self.0, &code::SET_BUFFERS, &mut buffers),
            Request::Flush(mut which) => call(&self.0, &code::FLUSH, &mut which),
            Request::BufferEvents(mut on) => call(&self.0, &code::BUFFER_EVENTS, &mut on),
            Request::AudioMode(mut on) => call(&self.0, &code::AUDIO_MODE, &mut on),
            Request::EchoCancel(mut taps) => call(&self.0, &code::ECHO_CANCEL, &mut taps),
            Request::Loopback(mut on) => call(&self.0, &code::LOOPBACK, &mut on),
            Request::Event(event) => call(&self.0, &code::EVENT, event),
            Request::Parameters(parameters) => call(&self.0, &code::PARAMETERS, parameters),
            Request::SpanStatus(status) => call(&self.0, &code::SPAN_STATUS, status),
            Request::Maintenance(mut order) => call(&self.0, &code::MAINTENANCE, &mut order),
            Request::ConfigureSpan(mut config) => call(&self.0, &code::SPAN_CONFIG, &mut config),
            Request::ConfigureChannel(mut config) => call(&self.0, &code::CHANNEL_CONFIG, &mut config),
            Request::Startup(mut span) => call(&self.0, &code::STARTUP, &mut span),
            Request::CreateDynamic(span) => call(&self.0, &code::DYNAMIC_CREATE, span),
            Request::DestroyDynamic(mut span) => call(&self.0, &code::DYNAMIC_DESTROY, &mut span),
        }
    }
}

/// One request.
fn call<T: Copy>(file: &File, code: &Code<T>, argument: &mut T) -> io::Result<()> {
    // SAFETY: the descriptor is open while `file` is borrowed. The driver copies as many octets from or to the argument as the
    // number says, which is the size of `T` (asserted in `Code::new`), and keeps no pointer. Every `T` of `abi` is made of
    // integers and octets, so whatever the driver writes is a valid one. A file that is not DAHDI's answers ENOTTY.
    let answer =
        unsafe { libc::ioctl(file.as_raw_fd(), libc::Ioctl::from(code.number()), std::ptr::from_mut(argument)) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
