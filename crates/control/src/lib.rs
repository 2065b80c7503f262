//! The control socket: its messages and its client.
