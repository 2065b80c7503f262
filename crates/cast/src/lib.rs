//! Casting: encoders, the stream server and the recorder.
//!
//! A *stream* is what an event sounds like, encoded once for each format and served over HTTP on one of the
//! ports pre-assigned to this server; a *recording* is the same frames in a file. Calls, conferences and who
//! may listen are not this crate's business.
//!
//! Data path: 8 kHz samples in a lock-free ring → encoders → containers → backlogs shared by all listeners;
//! frames of MP3 or PCMU → recorder.
//! Time: casting threads wake every 10 ms while a stream lives; nothing here touches the real-time thread.
//! Words: *backlog*, the last seconds of a stream, which a slow listener may lag behind; *burst*, what a new
//! listener gets at once; *spool*, where recordings grow; *publish*, to make one visible in the content store.
//!
//! # How the daemon uses it
//!
//! ```no_run
//! use cast::{Caster, Format, RecorderSettings, Settings, StreamStart};
//! use std::time::{Duration, SystemTime};
//!
//! let (events, log) = crossbeam_channel::bounded(1000);
//! let settings = Settings { ports: 10000..=10049, ..Settings::default() };
//! let recorder = RecorderSettings::new("state/spool", "content", "gateway-1");
//! let caster = Caster::launch(settings, Some(recorder), events)?;
//!
//! // An event has a port; then somebody speaks. The ring must hold the pre-roll and a hold-up of the
//! // casting thread: two seconds are plenty.
//! caster.reserve(10000, "4711")?;
//! let (mut ring, samples) = rtrb::RingBuffer::new(16_000);
//! let statistics = caster.start(10000, StreamStart {
//!     event: "4711".to_owned(),
//!     title: "Annual meeting".to_owned(),
//!     formats: vec![Format::Mp3],
//!     samples,
//!     started: SystemTime::now(),
//!     record: true,
//! })?;
//! // The real-time thread, every tick, silence included; it never waits.
//! let _ = ring.push_entire_slice(&[0; 80]);
//!
//! println!("{} listen", statistics.read().listeners);
//! caster.stop(10000)?;
//! caster.shutdown(Duration::from_secs(10));
//! log.try_iter().for_each(|event| println!("{event}"));
//! # Ok::<(), cast::Error>(())
//! ```
#![forbid(unsafe_code)]

mod answer;
mod backlog;
mod caster;
mod casting;
mod container;
mod door;
mod encoder;
mod error;
mod events;
mod feed;
mod fmp4;
mod format;
mod hls;
mod http;
mod icy;
mod listing;
pub mod mp3;
mod ogg_opus;
mod opus;
mod page;
mod pcmu;
mod playback;
mod push;
mod recorder;
mod settings;
mod statistics;
mod stream;
mod turns;
mod utc;
mod webm;

pub use caster::{Caster, PortStatus, StreamStart, Trial};
pub use door::{Because, Door, Seat, TurnedAway};
pub use encoder::{Encoder, Frames, Proof, SAMPLE_RATE, prove};
pub use error::Error;
pub use events::CastEvent;
pub use format::{Codec, Format, UnknownFormat};
pub use metafile::{Base, BaseError};
pub use push::{BadPushTarget, PushTarget};
pub use settings::{RecorderSettings, Settings};
pub use statistics::{Figures, Statistics};
