//! Event numbers, PINs, roles and the guard against guessing.
