//! Layer 1 alarms of a span.

bitflags::bitflags! {
    /// The alarms present on a span, as the board sees them now (defects, not yet integrated failures).
    ///
    /// Source: ANSI T1.231 clause 6, ITU-T G.732 clause 4, G.775.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Alarms: u16 {
        /// Loss of signal: no pulses arrive.
        const LOS = 1 << 0;
        /// Loss of frame (red alarm when it is we who declare it).
        const LOF = 1 << 1;
        /// Loss of multiframe alignment (E1 with CRC-4).
        const LOMF = 1 << 2;
        /// Alarm indication signal: unframed all ones (blue alarm).
        const AIS = 1 << 3;
        /// Remote alarm indication: the far end does not hear us (yellow alarm).
        const RAI = 1 << 4;
        /// The signal is back and the hold-off before service runs.
        const RECOVERING = 1 << 5;
        /// A loopback of the whole span is set; those of single timeslots are no alarm.
        const LOOPBACK = 1 << 6;
        /// The card or the far end's program has gone.
        const ABSENT = 1 << 7;
    }
}

impl Alarms {
    /// Those that make the received timeslots worthless.
    pub const BLOCKING: Alarms = Alarms::LOS.union(Alarms::LOF).union(Alarms::AIS).union(Alarms::ABSENT);

    /// Whether what is received on the span can be used.
    #[must_use]
    pub fn usable(self) -> bool {
        !self.intersects(Self::BLOCKING)
    }
}

impl std::fmt::Display for Alarms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        let mut between = "";
        for (name, _) in self.iter_names() {
            write!(f, "{between}{name}")?;
            between = ", ";
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_far_end_that_does_not_hear_us_can_still_be_heard() {
        assert!(Alarms::RAI.usable());
        assert!(!(Alarms::RAI | Alarms::LOS).usable());
        assert_eq!((Alarms::LOS | Alarms::RAI).to_string(), "LOS, RAI");
        assert_eq!(Alarms::empty().to_string(), "none");
    }
}
