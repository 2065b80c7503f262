//! What the driver's numbers mean in the words of [`hal`]: alarms, counters, errors.

use crate::abi::{self, SpanInfo, alarm};
use hal::{Alarms, Counters, Error, ErrorKind};
use std::io;

/// The alarms in the driver's bits.
///
/// Red alone says only that the board hears nothing it can use; where the driver knows more it says so beside.
pub(crate) fn alarms(bits: i32) -> Alarms {
    const WORDS: [(i32, Alarms); 8] = [
        (alarm::RECOVER, Alarms::RECOVERING),
        (alarm::LOOPBACK, Alarms::LOOPBACK),
        (alarm::YELLOW, Alarms::RAI),
        (alarm::BLUE, Alarms::AIS),
        (alarm::NOT_OPEN, Alarms::ABSENT),
        (alarm::LOS, Alarms::LOS),
        (alarm::LFA, Alarms::LOF),
        (alarm::LMFA, Alarms::LOMF),
    ];
    let mut alarms = Alarms::empty();
    for (bit, alarm) in WORDS {
        if bits & bit != 0 {
            alarms |= alarm;
        }
    }
    if bits & alarm::RED != 0 && !alarms.intersects(Alarms::LOS | Alarms::LOF | Alarms::AIS) {
        alarms |= Alarms::LOF;
    }
    alarms
}

/// What the driver counts of a line, in counters of 32 bits that may be set back to zero by anyone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineCounts([u32; 4]);

impl LineCounts {
    pub(crate) fn of(info: &SpanInfo) -> LineCounts {
        let sum = |one: i32, other: i32| (one as u32).wrapping_add(other as u32);
        LineCounts([
            sum(info.bipolar_violations, info.code_violations),
            info.crc_errors as u32,
            info.e_bits as u32,
            sum(info.framing_errors, info.alignment_errors),
        ])
    }

    /// Add to `total` what has been counted since `before`.
    pub(crate) fn add_since(self, before: LineCounts, total: &mut Counters) {
        let [violations, path, far, framing] = std::array::from_fn(|at| u64::from(since(before.0[at], self.0[at])));
        total.line_code_violations += violations;
        total.path_code_violations += path;
        total.far_end_errors += far;
        total.framing_errors += framing;
    }
}

/// The way from one reading to the next: over the top of 32 bits, or from zero after somebody set it back.
fn since(before: u32, now: u32) -> u32 {
    let way = now.wrapping_sub(before);
    if way > u32::MAX / 2 { now } else { way }
}

/// Whether events are to be read first.
pub(crate) fn is_event(error: &io::Error) -> bool {
    error.raw_os_error() == Some(abi::ELAST)
}

/// What a failed request means for whoever asked.
pub(crate) fn failed(operation: &'static str, source: io::Error) -> Error {
    /// `ENOTSUPP`, which the kernel keeps for itself and some drivers let out.
    const NOT_SUPPORTED: i32 = 524;
    let kind = match source.raw_os_error() {
        Some(libc::ENODEV | libc::ENXIO) => ErrorKind::Reopen,
        Some(libc::EAGAIN | libc::EINTR | abi::ELAST) => ErrorKind::Retry,
        Some(libc::ENOSYS | libc::EOPNOTSUPP | libc::ENOTTY | NOT_SUPPORTED) => ErrorKind::Unsupported,
        _ => ErrorKind::GiveUp,
    };
    Error::io(kind, operation, source)
}

/// Text in a field of fixed size.
pub(crate) fn text(octets: &[u8]) -> String {
    let end = octets.iter().position(|octet| *octet == 0).unwrap_or(octets.len());
    String::from_utf8_lossy(&octets[..end]).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Blank;

    #[test]
    fn red_is_told_by_its_reason_where_there_is_one() {
        assert_eq!(alarms(alarm::RED), Alarms::LOF);
        assert_eq!(alarms(alarm::RED | alarm::LOS), Alarms::LOS);
        assert_eq!(alarms(alarm::RED | alarm::LFA | alarm::LMFA), Alarms::LOF | Alarms::LOMF);
        assert_eq!(alarms(alarm::BLUE), Alarms::AIS);
        assert_eq!(alarms(alarm::YELLOW | alarm::RECOVER), Alarms::RAI | Alarms::RECOVERING);
        assert_eq!(alarms(alarm::NOT_OPEN), Alarms::ABSENT);
        assert_eq!(alarms(alarm::LOOPBACK), Alarms::LOOPBACK);
        assert_eq!(alarms(0), Alarms::empty());
    }

    #[test]
    fn counters_go_up_whatever_the_driver_does_to_them() {
        let counts = |bipolar: u32, crc: u32| {
            LineCounts::of(&SpanInfo { bipolar_violations: bipolar as i32, crc_errors: crc as i32, ..SpanInfo::BLANK })
        };
        let mut total = Counters::default();
        counts(7, 3).add_since(counts(5, 3), &mut total);
        assert_eq!((total.line_code_violations, total.path_code_violations), (2, 0));
        counts(2, 4).add_since(counts(u32::MAX - 1, 3), &mut total);
        assert_eq!((total.line_code_violations, total.path_code_violations), (6, 1), "over the top");
        counts(5, 4).add_since(counts(1000, 4), &mut total);
        assert_eq!(total.line_code_violations, 11, "set back to zero, and five since");
    }

    #[test]
    fn text_ends_where_it_ends() {
        assert_eq!(text(b"WCT1/0\0\0x"), "WCT1/0");
        assert_eq!(text(b"full"), "full");
    }
}
