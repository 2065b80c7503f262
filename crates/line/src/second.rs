//! One second of a line, and what it counts as.
//!
//! Source: RFC 4805 sections 3.4.1 to 3.4.3, definition by definition; where it leaves a choice the line says so.

use crate::{Counts, Defects, Framing};
use serde::{Deserialize, Serialize};

/// What was seen of a line in one second: differences of a framer's counters, and every defect there was in it,
/// however short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// Defects present at any time in the second.
    pub defects: Defects,
    /// Line code violations.
    pub line_violations: u32,
    /// CRC-6 or CRC-4 errors.
    pub crc_errors: u32,
    /// Framing bit errors.
    pub framing_errors: u32,
    /// Frame alignment was lost, if only for some frames.
    pub out_of_frame: bool,
    /// Controlled slips.
    pub slips: u32,
    /// What the far end told of the signal it received; `None` when it told nothing.
    pub far: Option<FarSecond>,
}

/// What the far end told of one second: a performance report (ANSI T1.403), or E bits (ITU-T G.704).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FarSecond {
    /// CRC errors it counted. A performance report gives ranges; the board passes the lower end.
    pub crc_errors: u32,
    /// It was out of frame (the report's SE bit).
    pub out_of_frame: bool,
    /// It saw line code violations (LV).
    pub line_violation: bool,
    /// It had a controlled slip (SL).
    pub slip: bool,
}

/// What a second counts as if the line is available in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mark {
    /// Its counts: violations, and 0 or 1 for each kind of second.
    pub counts: Counts,
    /// The 15-minute interval it belongs to has ended since.
    pub quarter_over: bool,
    /// The day it belongs to has ended since.
    pub day_over: bool,
}

impl Mark {
    pub fn severe(&self) -> bool {
        self.counts.ses != 0
    }

    fn new(framing: Framing, path: u32, line: u32, lost_frame: bool, slip: bool) -> Mark {
        let at_least = |count: u32, threshold: Option<u32>| threshold.is_some_and(|t| count >= t);
        // SES: enough path code violations (320 on ESF, 832 on E1 with CRC-4), or out of frame, or AIS; without a CRC
        // framing errors (D4) or enough line code violations. Slips never make a second severe.
        let severe = lost_frame
            || at_least(path, framing.severe_path_violations())
            || at_least(line, framing.severe_line_violations());
        // ES: path code violations, out of frame, AIS or slips; without a CRC (D4, E1) bipolar violations too.
        let errored = severe || path > 0 || slip || (line > 0 && !framing.has_crc());
        // BES: 2 to 319 path code violations, framing kept, no AIS; ESF only. Slips have no part in it.
        let bursty = framing == Framing::T1Esf && !lost_frame && (2..320).contains(&path);
        let counts = Counts {
            lcv: line,
            pcv: path,
            es: errored.into(),
            ses: severe.into(),
            sefs: lost_frame.into(),
            uas: 0,
            css: slip.into(),
            les: (line > 0).into(),
            bes: bursty.into(),
            dm: 0,
        };
        Mark { counts, ..Mark::default() }
    }
}

impl Second {
    /// What it counts as at the near end.
    pub(crate) fn near(&self, framing: Framing) -> Mark {
        // PCV: framing bit errors, and CRC errors where there is a CRC.
        let crc_errors = if framing.has_crc() { self.crc_errors } else { 0 };
        let path = crc_errors.saturating_add(self.framing_errors);
        Mark::new(framing, path, self.line_violations, self.lost_frame(framing), self.slips > 0)
    }

    /// What it counts as at the far end, if that can be known: not while we do not receive what the far end says
    /// (RFC 4805: far-end data are absent in a second with an incoming defect).
    pub(crate) fn far(&self, framing: Framing) -> Option<Mark> {
        if !framing.has_far_end() || self.lost_frame(framing) {
            return None;
        }
        // RAI takes the place of the performance report, and says that the far end has lost our signal or its framing.
        let remote = self.defects.contains(Defects::RAI);
        let far = match self.far {
            Some(far) => far,
            None if remote => FarSecond::default(),
            None => return None,
        };
        let line = far.line_violation.into();
        let mut mark = Mark::new(framing, far.crc_errors, line, far.out_of_frame || remote, far.slip);
        // The report has no count of line violations, only that there were some.
        mark.counts.lcv = 0;
        Some(mark)
    }

    /// Out of frame, or a defect in which there are no frames. Without CRC multiframe nothing checks the blocks of
    /// E1-CRC-4, so that second cannot pass for a clean one (our reading).
    fn lost_frame(&self, framing: Framing) -> bool {
        self.out_of_frame
            || self.defects.intersects(Defects::LOSS)
            || (framing == Framing::E1Crc4 && self.defects.contains(Defects::LOMF))
    }
}
