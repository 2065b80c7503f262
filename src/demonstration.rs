//! The demonstration: an event is reserved, two people call in and talk, again and again.
//!
//! Everything about it is real but the people: they are callers of the exchange in software.

use event::{EventInfo, Keyring, Role};
use exchange::{Clip, Conversation, DialPlan, Handle};
use std::path::Path;
use std::sync::Arc;

const FIRST: [&[u8]; 4] = [
    include_bytes!("../assets/speech/a1.wav"),
    include_bytes!("../assets/speech/a2.wav"),
    include_bytes!("../assets/speech/a3.wav"),
    include_bytes!("../assets/speech/a4.wav"),
];
const SECOND: [&[u8]; 4] = [
    include_bytes!("../assets/speech/b1.wav"),
    include_bytes!("../assets/speech/b2.wav"),
    include_bytes!("../assets/speech/b3.wav"),
    include_bytes!("../assets/speech/b4.wav"),
];
/// Silence between one speaker and the next.
const PAUSE_MS: u32 = 900;

/// Reserve the event of the demonstration.
///
/// # Errors
/// When the content store cannot be written.
pub fn reserve(content_dir: &Path, keyring: &Keyring, formats: Vec<String>) -> Result<EventInfo, event::InfoError> {
    let created_ms = crate::office::now_ms();
    let request = event::Request {
        title: "Trunkcast demonstration".to_owned(),
        formats,
        created_ms,
        ..event::Request::default()
    };
    event::info::reserve(content_dir, keyring, request)
}

/// Let the two call this number.
///
/// # Errors
/// In words, when a call cannot be placed.
pub fn call_in(exchange: &Handle, called: &str, keyring: &Keyring, event: &EventInfo) -> Result<(), String> {
    let clips = |files: [&[u8]; 4]| -> Result<Vec<Clip>, String> {
        files.into_iter().map(|f| crate::prompts::wav::read(f).map(Arc::from)).collect()
    };
    let talk = Conversation::between(&clips(FIRST)?, &clips(SECOND)?, PAUSE_MS);
    let people = [("Anna", "2025550143", Role::Host), ("Ben", "2025550178", Role::Speaker)];
    for (voice, (name, number, role)) in people.into_iter().enumerate() {
        let pin = keyring.pin(event.number, role).ok_or("the event's key is not current")?;
        let plan = DialPlan {
            called: called.to_owned(),
            calling: number.to_owned(),
            name: name.to_owned(),
            event: Some(event.number.to_string()),
            pin: Some(pin.as_str().to_owned()),
            part: Some(talk.part(voice)),
            answer_wait_ms: 600,
            pin_wait_ms: 700,
            speak_wait_ms: 400,
            ..DialPlan::default()
        };
        exchange.dial(&plan).map_err(|error| crate::office::chain(&error))?;
    }
    Ok(())
}
