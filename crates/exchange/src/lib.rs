//! A telephone exchange in software and its callers.
