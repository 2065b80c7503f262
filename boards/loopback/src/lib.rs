//! The software card: spans cross-connected, given to an exchange in software, or offered on a socket.
