//! The log of the program: one line an event on standard error. Neither PINs nor attendee links get here.

use log::{Level, LevelFilter, Log, Metadata, Record};
use std::io::Write as _;

struct Sink;

/// Sends what is logged to standard error from now on.
pub fn log_to_stderr() {
    // A second call keeps the first.
    if log::set_logger(&Sink).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

impl Log for Sink {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= Level::Info
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let level = match record.level() {
            Level::Error => "ERROR ",
            Level::Warn => "WARN  ",
            _ => "",
        };
        let stamp = event::utc::rfc3339(event::utc::now_ms());
        // Nobody is left to tell when standard error is closed.
        let _ = std::io::stderr().lock().write_all(format!("{stamp} {level}{}\n", record.args()).as_bytes());
    }

    fn flush(&self) {}
}
