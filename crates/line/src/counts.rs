//! The ten counters of a performance interval.

use serde::{Deserialize, Serialize};

/// One of the counters of an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// Line code violations.
    Lcv,
    /// Path code violations.
    Pcv,
    /// Errored seconds.
    Es,
    /// Severely errored seconds.
    Ses,
    /// Severely errored framing seconds.
    Sefs,
    /// Unavailable seconds.
    Uas,
    /// Controlled slip seconds.
    Css,
    /// Line errored seconds.
    Les,
    /// Bursty errored seconds.
    Bes,
    /// Degraded minutes.
    Dm,
}

/// How many counters there are.
pub const COUNTERS: usize = 10;

impl Counter {
    /// All of them.
    pub const ALL: [Counter; COUNTERS] = [
        Counter::Lcv,
        Counter::Pcv,
        Counter::Es,
        Counter::Ses,
        Counter::Sefs,
        Counter::Uas,
        Counter::Css,
        Counter::Les,
        Counter::Bes,
        Counter::Dm,
    ];

    /// Its abbreviation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        ["LCV", "PCV", "ES", "SES", "SEFS", "UAS", "CSS", "LES", "BES", "DM"][self as usize]
    }

    /// Its name in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        [
            "line code violations",
            "path code violations",
            "errored seconds",
            "severely errored seconds",
            "severely errored framing seconds",
            "unavailable seconds",
            "controlled slip seconds",
            "line errored seconds",
            "bursty errored seconds",
            "degraded minutes",
        ][self as usize]
    }
}

/// What was counted in some time. Source: RFC 4805 section 3.4.3; the fields bear its abbreviations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Line code violations: bipolar violations and excessive zeroes.
    pub lcv: u32,
    /// Path code violations: CRC errors and framing bit errors.
    pub pcv: u32,
    /// Errored seconds.
    pub es: u32,
    /// Severely errored seconds.
    pub ses: u32,
    /// Severely errored framing seconds: out of frame, or AIS.
    pub sefs: u32,
    /// Unavailable seconds.
    pub uas: u32,
    /// Controlled slip seconds.
    pub css: u32,
    /// Line errored seconds: those with line code violations.
    pub les: u32,
    /// Bursty errored seconds: 2 to 319 path code violations and nothing worse; ESF only.
    pub bes: u32,
    /// Degraded minutes.
    pub dm: u32,
}

impl Counts {
    /// One counter.
    #[must_use]
    pub const fn get(&self, counter: Counter) -> u32 {
        match counter {
            Counter::Lcv => self.lcv,
            Counter::Pcv => self.pcv,
            Counter::Es => self.es,
            Counter::Ses => self.ses,
            Counter::Sefs => self.sefs,
            Counter::Uas => self.uas,
            Counter::Css => self.css,
            Counter::Les => self.les,
            Counter::Bes => self.bes,
            Counter::Dm => self.dm,
        }
    }

    /// Nothing was counted.
    #[must_use]
    pub fn is_zero(&self) -> bool {
        *self == Counts::default()
    }

    /// Add what was counted in another time. A counter that is full stays full.
    pub fn add(&mut self, more: &Counts) {
        let Counts { lcv, pcv, es, ses, sefs, uas, css, les, bes, dm } = self;
        for (sum, term) in [
            (lcv, more.lcv),
            (pcv, more.pcv),
            (es, more.es),
            (ses, more.ses),
            (sefs, more.sefs),
            (uas, more.uas),
            (css, more.css),
            (les, more.les),
            (bes, more.bes),
            (dm, more.dm),
        ] {
            *sum = sum.saturating_add(term);
        }
    }
}
