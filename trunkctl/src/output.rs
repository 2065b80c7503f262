//! Where answers go: text for people or JSON for programs, to the standard output.

use crate::failure::Failure;
use serde::Serialize;
use std::io::{self, IsTerminal, Write};

/// The standard output, and what is wanted there.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    json: bool,
}

impl Output {
    /// Text, or JSON.
    pub fn new(json: bool) -> Output {
        Output { json }
    }

    /// Whether a person reads along.
    pub fn is_terminal(self) -> bool {
        !self.json && io::stdout().is_terminal()
    }

    /// Whether it is a program that reads.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// An answer: this value, or the text made from it.
    pub fn answer(self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json {
            let document = serde_json::to_string_pretty(value).map_err(io::Error::other)?;
            return self.text(&(document + "\n"));
        }
        self.text(&text())
    }

    /// One of many answers: this value in a line, or the text made from it.
    pub fn item(self, value: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        if self.json {
            let line = serde_json::to_string(value).map_err(io::Error::other)?;
            return self.text(&(line + "\n"));
        }
        self.text(&text())
    }

    /// Text as it is, at once.
    pub fn text(self, text: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        Ok(stdout.flush()?)
    }
}
