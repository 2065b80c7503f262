//! What a call has in writing while it is set up: too long to go from state to state, so it lies beside the call.
//!
//! Data path: `calls`, `call` → here → the data link, when T303 has SETUP sent again; the owner, when a number is complete.

use crate::Setup;
use crate::q921::{N201_MAX, Writer};

/// It means something in few states only, and each of them says what. Every place for a call has one, made at the start.
#[derive(Debug)]
pub(super) struct Paper {
    sent: [u8; N201_MAX],
    length: usize,
    /// Of a call of ours whose SETUP is out: the name that is to be told once there is an answer. Of one that has come in and whose
    /// number is not complete: what SETUP said, with the digits that have come since.
    pub said: Setup,
}

impl Default for Paper {
    fn default() -> Paper {
        Paper { sent: [0; N201_MAX], length: 0, said: Setup::default() }
    }
}

/// What was to be written is longer than a data link carries.
pub(super) struct TooLong;

impl Paper {
    /// Writes the SETUP that is to be sent.
    pub fn write(&mut self, write: impl FnOnce(&mut Writer<'_>)) -> Result<(), TooLong> {
        let mut writer = Writer::new(&mut self.sent);
        write(&mut writer);
        self.length = writer.length().ok_or(TooLong)?;
        Ok(())
    }

    /// The SETUP that was sent.
    pub fn sent(&self) -> &[u8] {
        &self.sent[..self.length]
    }
}
