//! ISDN primary rate signalling, both sides: Q.921, Q.931 and the switch variants, without input or output of its own.
