//! Some ends acknowledge without turning the flag of the call reference round. Under discriminator 0x03 the type tells: 0x07 is
//! an acknowledgement whatever the flag, and is not answered.
//!
//! Clauses: maintenance SERVICE ACKNOWLEDGE

use crate::service_support::*;

#[test]
fn the_type_tells() {
    for flag in [0x00, 0x80] {
        let mut alone = alone(true);
        set(&mut alone, 5, OUT);
        alone.events.clear();
        let said = alone.ask(&[0x03, 2, flag, 0, 0x07, 1, 1, 0xc2, 0x18, 3, 0xa9, 0x83, 0x85]);
        assert_eq!(said, [""; 0], "flag {flag:02x}");
        assert_eq!(alone.events, [settled(5, OUT, true)]);
        assert_eq!(of(&alone.d, 5).pending, None);
    }
}
