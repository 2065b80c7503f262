//! Telephone audio on slices: G.711, DTMF, tones, level, mix-minus.
