//! Casting: encoders, the stream server and the recorder.
//!
//! A *stream* is what an event sounds like, encoded once for each format and served over HTTP on one of the
//! ports pre-assigned to this server; a *recording* is the same frames in a file. Calls, conferences and who
//! may listen are not this crate's business.
//!
//! Data path: 8 kHz samples in a lock-free ring → encoder → backlog shared by all listeners, and recorder.
//! Time: casting threads wake every 10 ms while a stream lives; nothing here touches the real-time thread.
//! Words: *backlog*, the last seconds of a stream, which a slow listener may lag behind; *burst*, what a new
//! listener gets at once; *spool*, where recordings grow; *publish*, to make one visible in the content store.
#![forbid(unsafe_code)]

mod answer;
mod backlog;
mod caster;
mod casting;
mod encoder;
mod error;
mod events;
mod feed;
mod http;
mod icy;
pub mod mp3;
mod page;
mod playback;
mod recorder;
mod settings;
mod statistics;
mod stream;
mod utc;

pub use caster::{Caster, PortStatus, StreamStart};
pub use encoder::{Encoder, Format, SAMPLE_RATE, UnknownFormat};
pub use error::Error;
pub use events::CastEvent;
pub use settings::{RecorderSettings, Settings};
pub use statistics::{Figures, Statistics};
