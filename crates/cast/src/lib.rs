//! Casting: encoders, the stream server and the recorder.
