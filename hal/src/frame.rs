//! Whole D-channel frames.

/// Octets of the longest D-channel frame handled: Q.921 address (2), control (2) and N201 = 260 of
/// information. The frame check sequence is the board's business and never part of it.
pub const D_FRAME_MAX: usize = 264;

/// One D-channel frame without flags and frame check sequence, in a buffer of fixed size.
#[derive(Clone, Copy)]
pub struct DFrame {
    length: u16,
    octets: [u8; D_FRAME_MAX],
}

impl DFrame {
    /// A frame of these octets, or `None` when there are more than [`D_FRAME_MAX`].
    #[must_use]
    pub fn new(octets: &[u8]) -> Option<Self> {
        let mut frame = DFrame::default();
        frame.octets.get_mut(..octets.len())?.copy_from_slice(octets);
        frame.length = octets.len() as u16;
        Some(frame)
    }

    /// The octets.
    #[must_use]
    pub fn as_slice(&self) -> &[u8] {
        &self.octets[..usize::from(self.length)]
    }
}

impl Default for DFrame {
    fn default() -> Self {
        DFrame { length: 0, octets: [0; D_FRAME_MAX] }
    }
}

impl std::ops::Deref for DFrame {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.as_slice()
    }
}

impl PartialEq for DFrame {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}
impl Eq for DFrame {}

impl std::fmt::Debug for DFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DFrame(")?;
        for octet in self.as_slice() {
            write!(f, "{octet:02x}")?;
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_does_not_fit_is_refused() {
        assert_eq!(DFrame::new(&[7; D_FRAME_MAX]).expect("fits").len(), D_FRAME_MAX);
        assert!(DFrame::new(&[7; D_FRAME_MAX + 1]).is_none());
        assert_eq!(format!("{:?}", DFrame::new(&[0, 1, 0x7f]).expect("fits")), "DFrame(00017f)");
    }
}
