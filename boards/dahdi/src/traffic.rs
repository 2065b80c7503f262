//! What is the card's and not a span's, for the real-time thread.

use crate::driver::Node;
use crate::meaning;
use crate::span::Span;
use board_spans::Board;
use hal::Error;
use std::io;
use std::sync::Arc;

/// The driver, for the spans of a card.
pub(crate) struct DahdiBoard {
    pub(crate) control: Arc<dyn Node>,
}

impl Board for DahdiBoard {
    type Span = Span;

    fn after_look(&mut self, spans: &mut [Span]) {
        for span in spans {
            span.refresh_alarms(&*self.control);
        }
    }

    /// What cannot be read or written any more is gone; all else the driver says is passing.
    fn meaning(&self, operation: &'static str, source: io::Error) -> Error {
        meaning::failed(operation, source)
    }
}
