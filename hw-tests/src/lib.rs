//! Tests of the whole daemon on the software card, and against exchanges made by others.
