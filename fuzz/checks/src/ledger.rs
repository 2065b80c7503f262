//! What an owner can check of the events of one D channel: every call is released once, and nothing comes after it.

use isdn::{CallReference, Event};
use std::collections::BTreeSet;

/// The calls an owner knows.
#[derive(Default)]
pub struct Ledger {
    open: BTreeSet<CallReference>,
    connected: BTreeSet<CallReference>,
    /// Whether the link is up, by the events.
    pub up: bool,
}

impl Ledger {
    /// A call of the owner's has been placed.
    pub fn dialled(&mut self, call: CallReference) {
        assert!(call.ours && self.open.insert(call), "{call:?} is there already");
    }

    pub fn enter(&mut self, event: &Event) {
        match event {
            Event::Incoming { call, .. } => assert!(!call.ours && self.open.insert(*call), "{event:?}: there already"),
            Event::Proceeding { call, .. }
            | Event::Alerting { call, .. }
            | Event::Progress { call, .. }
            | Event::Disconnecting { call, .. } => {
                assert!(self.open.contains(call), "{event:?}: of no call");
            }
            Event::Connected { call } => {
                assert!(self.open.contains(call), "{event:?}: of no call");
                assert!(self.connected.insert(*call), "{event:?}: twice");
            }
            Event::Released { call, .. } => {
                assert!(self.open.remove(call), "{event:?}: of no call");
                self.connected.remove(call);
            }
            Event::LinkUp { reset } => {
                assert!(self.up || !reset, "a link that is down cannot be reset");
                self.up = true;
            }
            Event::LinkDown => self.up = false,
            _ => {}
        }
    }

    /// The calls that have not been released.
    pub fn open(&self) -> impl Iterator<Item = CallReference> {
        self.open.iter().copied()
    }

    /// Those of them that are connected.
    pub fn connected(&self) -> impl Iterator<Item = CallReference> {
        self.connected.iter().copied()
    }
}
