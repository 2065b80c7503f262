//! What is put around frames so that a listener knows what they are.
//!
//! A container has a *prelude*, which every listener gets first, and *entries*, places where a listener who
//! has the prelude may begin. MP3 and PCMU need neither: their frames stand alone.
//!
//! Data path: frames from an encoder → here → octets for backlog and listeners.

use crate::encoder::Frames;
use crate::format::Format;
use crate::ogg_opus::OggOpus;
use crate::webm::WebM;

/// Octets for listeners, and where in them one may begin.
#[derive(Debug, Default)]
pub(crate) struct Wrapped {
    pub(crate) octets: Vec<u8>,
    /// Offsets in `octets`, rising.
    pub(crate) entries: Vec<usize>,
    /// How often something was added: what listeners are served by.
    pub(crate) pieces: u64,
}

impl Wrapped {
    pub(crate) fn clear(&mut self) {
        self.octets.clear();
        self.entries.clear();
        self.pieces = 0;
    }

    /// What is appended from here on can be begun with.
    pub(crate) fn entry(&mut self) {
        self.entries.push(self.octets.len());
    }

    /// Appends octets that are worth sending.
    pub(crate) fn piece(&mut self, octets: &[u8]) {
        self.octets.extend_from_slice(octets);
        self.pieces += 1;
    }
}

/// A wrapping of one stream.
pub(crate) trait Container: Send {
    /// What a listener gets before anything else.
    fn prelude(&self) -> &[u8];

    /// Wraps the next frame. What it keeps back comes with a later one.
    fn wrap(&mut self, frame: &[u8], out: &mut Wrapped);

    /// Gives what was kept back, and whatever says that this is the end.
    fn finish(&mut self, out: &mut Wrapped);
}

/// The container of a format that flows; HLS comes in files and has none.
pub(crate) fn of_format(format: Format, start_ms: u64) -> Option<Box<dyn Container>> {
    match format {
        Format::Mp3 | Format::Pcmu => Some(Box::new(Plain)),
        Format::Webm => Some(Box::new(WebM::new())),
        Format::Ogg => Some(Box::new(OggOpus::new(start_ms))),
        Format::Hls => None,
    }
}

/// Wraps all of these frames.
pub(crate) fn wrap_all(container: &mut dyn Container, frames: &Frames, out: &mut Wrapped) {
    frames.iter().for_each(|frame| container.wrap(frame, out));
}

/// No wrapping: one may begin at any frame.
struct Plain;

impl Container for Plain {
    fn prelude(&self) -> &[u8] {
        &[]
    }

    fn wrap(&mut self, frame: &[u8], out: &mut Wrapped) {
        out.entry();
        out.piece(frame);
    }

    fn finish(&mut self, _out: &mut Wrapped) {}
}
