//! The log: one line an event on standard error, for people or as JSON.
//!
//! Digits never get here: numbers are masked and PINs never leave the gateway's dialogue.

use crate::config::LogFormat;
use log::kv::{Key, Value, VisitSource};
use log::{LevelFilter, Log, Metadata, Record};
use std::io::Write as _;
use std::time::SystemTime;

struct Sink {
    level: LevelFilter,
    format: LogFormat,
}

/// Send what is logged to standard error from now on.
pub fn start(level: LevelFilter, format: LogFormat) {
    // A second call, in a test process, keeps the first sink.
    if log::set_boxed_logger(Box::new(Sink { level, format })).is_ok() {
        log::set_max_level(level);
    }
}

/// Log a sentence with the numbers it is about as fields of their own; those that are `None` are left out.
pub fn tell(level: log::Level, target: &str, text: &str, about: &[(&str, Option<u64>)]) {
    let fields: Vec<(&str, Value)> =
        about.iter().filter_map(|(name, number)| Some((*name, Value::from((*number)?)))).collect();
    log::logger().log(
        &Record::builder()
            .level(level)
            .target(target)
            .args(format_args!("{text}"))
            .key_values(&fields.as_slice())
            .build(),
    );
}

impl Log for Sink {
    fn enabled(&self, metadata: &Metadata) -> bool {
        metadata.level() <= self.level
    }

    fn log(&self, record: &Record) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = match self.format {
            LogFormat::Text => text(record),
            LogFormat::Json => json(record),
        };
        // Nobody is left to tell when standard error is closed.
        let _ = std::io::stderr().lock().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

fn now() -> impl std::fmt::Display {
    humantime::format_rfc3339_millis(SystemTime::now())
}

fn text(record: &Record) -> String {
    let level = match record.level() {
        log::Level::Error => "ERROR ",
        log::Level::Warn => "WARN  ",
        log::Level::Info => "",
        log::Level::Debug => "debug ",
        log::Level::Trace => "trace ",
    };
    let stamp = now().to_string();
    let time = stamp.get(11..23).unwrap_or(&stamp);
    format!("{time} {level}{}\n", record.args())
}

struct Fields(serde_json::Map<String, serde_json::Value>);

impl<'kvs> VisitSource<'kvs> for Fields {
    fn visit_pair(&mut self, key: Key<'kvs>, value: Value<'kvs>) -> Result<(), log::kv::Error> {
        let value = match (value.to_u64(), value.to_i64(), value.to_bool()) {
            (Some(n), _, _) => n.into(),
            (_, Some(n), _) => n.into(),
            (_, _, Some(b)) => b.into(),
            _ => value.to_string().into(),
        };
        self.0.insert(key.as_str().to_owned(), value);
        Ok(())
    }
}

fn json(record: &Record) -> String {
    let mut fields = Fields(serde_json::Map::new());
    fields.0.insert("time".into(), now().to_string().into());
    fields.0.insert("level".into(), record.level().as_str().to_lowercase().into());
    fields.0.insert("target".into(), record.target().into());
    fields.0.insert("text".into(), record.args().to_string().into());
    // Our own visitor never fails.
    let _ = record.key_values().visit(&mut fields);
    format!("{}\n", serde_json::Value::Object(fields.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_json_line_carries_text_and_fields() {
        let pairs = [("span", Value::from(3u64)), ("up", Value::from(true))];
        let line = json(
            &Record::builder()
                .level(log::Level::Warn)
                .target("span")
                .args(format_args!("span 3 is \"up\""))
                .key_values(&pairs)
                .build(),
        );
        let value: serde_json::Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(
            (value["level"].as_str(), value["span"].as_u64(), value["up"].as_bool()),
            (Some("warn"), Some(3), Some(true))
        );
        assert_eq!(value["text"], "span 3 is \"up\"");
        assert!(line.ends_with("}\n"));
    }
}
