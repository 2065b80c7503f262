//! Situations of a gateway, each told as a story: an exchange, callers who key, a virtual clock, no sound.
//!
//! `simulation` finds what nobody thought of; here stands what was thought of, with what callers hear and
//! what the exchange is told.

mod calling_out;
mod conferences;
mod ending;
mod languages;
mod letting_in;
mod refusing;
mod shortage;
mod streams;
mod test_calls;
mod town;
