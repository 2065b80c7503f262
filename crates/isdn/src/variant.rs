//! The exchanges of this world and in which points they differ, as a table.
//!
//! Looks after nothing but data: the procedures of `q931` ask a [`Row`] and never a [`Switch`].
//!
//! Time: durations only.
//! Source: ANSI T1.607 and SR-4994 (NI-2), the exchanges' own specifications as far as they are public, ETS 300 102-1
//! and EN 300 403-1 (EuroISDN), ISO/IEC 11572 (QSIG).

use crate::Side;
use crate::maintenance::Discriminator;
use crate::q931::content::Reading;
use crate::q931::facility::Form;
use crate::q931::{Timer, Timers};
use crate::service::Rules;
use std::time::Duration;

/// What the exchange at the other end of a D channel is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Switch {
    /// National ISDN 2.
    #[default]
    Ni2,
    /// Lucent 5ESS, custom.
    Ess5,
    /// Nortel DMS-100, custom.
    Dms100,
    /// AT&T 4ESS, custom.
    Ess4,
    /// EuroISDN.
    EuroIsdn,
    /// QSIG, basic call.
    Qsig,
}

/// One variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub switch: Switch,
    /// As it is written in configurations and traces.
    pub name: &'static str,
    /// T203 of the data link in seconds.
    pub t203_seconds: u64,
    /// Timers that are not as in Q.931, in seconds.
    pub timers: &'static [(Timer, u64)],
    /// Called numbers may come digit by digit (clause 5.2.4).
    pub overlap_receiving: bool,
    /// Sending Complete goes with a complete called number (clause 5.1.1).
    pub sending_complete: bool,
    /// How its messages are to be read.
    pub reading: Reading,
    /// The exchange wants a calling number that may be shown to be marked as network provided.
    pub network_provided: bool,
    /// How the caller's name is told when we are the exchange. Listening, every way is understood.
    pub calling_name: NameBy,
    /// Progress description that a user's ALERTING carries (2: destination address is non-ISDN).
    pub user_alerting_progress: Option<u8>,
    /// Progress description that the network's ALERTING carries (8: in-band information now available).
    pub network_alerting_progress: Option<u8>,
    /// On E1, B channels are numbered 1 to 30 without a gap, instead of by timeslot.
    pub logical_channels: bool,
    /// T1 interfaces can share a D channel.
    pub shared_d_channel: bool,
    /// How SERVICE is spoken; `None` where there is no such message.
    pub service: Option<Rules>,
}

/// How an exchange tells a caller's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameBy {
    /// Not at all.
    Nothing,
    /// Display in SETUP, behind an octet that tells the character set, where there is one.
    Display {
        /// That octet.
        character_set: Option<u8>,
    },
    /// Facility in SETUP.
    FacilityInSetup(Form),
    /// Facility in a FACILITY message behind the first answer to SETUP, which has said that it will come.
    FacilityLater(Form),
}

/// SERVICE as the 5ESS and the 4ESS speak it, and PBXs with them.
///
/// Whether a call is taken on a channel that the far end called out of service differs between PBXs. Here it is: an exchange
/// that offers it has changed its mind, and refusing would lose a call to keep a record straight.
const SERVICE: Rules = Rules {
    discriminator: Discriminator::Exchange,
    t3m1_seconds: 120,
    attempts: 2,
    audit_seconds: 15 * 60,
    dwell_seconds: 30,
    restart_clears_far: false,
    incoming_when_far_out: true,
    incoming_in_maintenance: false,
};

const Q931: Row = Row {
    switch: Switch::EuroIsdn,
    name: "euroisdn",
    t203_seconds: 10,
    timers: &[],
    overlap_receiving: true,
    sending_complete: true,
    reading: Reading { passes_over_shifted: false, unannounced_octet_3a: false },
    network_provided: false,
    calling_name: NameBy::Display { character_set: None },
    user_alerting_progress: Some(2),
    network_alerting_progress: Some(8),
    logical_channels: false,
    shared_d_channel: false,
    service: None,
};

const NORTH_AMERICA: Row = Row {
    switch: Switch::Ni2,
    name: "ni2",
    t203_seconds: 30,
    overlap_receiving: false,
    sending_complete: false,
    reading: Reading::LENIENT,
    calling_name: NameBy::FacilityLater(Form::National),
    shared_d_channel: true,
    service: Some(Rules { discriminator: Discriminator::National, ..SERVICE }),
    ..Q931
};

/// AT&T's and Lucent's exchanges shift for a single element what only they understand, also into codeset 0.
const SHIFT_PASSED_OVER: Reading = Reading { passes_over_shifted: true, ..Reading::LENIENT };

/// All variants.
///
/// QSIG's standard numbers channels logically; most equipment comes set to timeslots, so that is the value here, and a
/// configuration can say otherwise. DMS-100 is known to choke on the progress indicator.
pub const TABLE: [Row; 6] = [
    NORTH_AMERICA,
    Row {
        switch: Switch::Ess5,
        name: "5ess",
        timers: &[(Timer::T305, 4)],
        reading: SHIFT_PASSED_OVER,
        calling_name: NameBy::Display { character_set: None },
        shared_d_channel: false,
        service: Some(SERVICE),
        ..NORTH_AMERICA
    },
    Row {
        switch: Switch::Dms100,
        name: "dms100",
        network_provided: true,
        calling_name: NameBy::Display { character_set: Some(0xb1) },
        user_alerting_progress: None,
        service: Some(Rules { restart_clears_far: true, ..SERVICE }),
        ..NORTH_AMERICA
    },
    Row {
        switch: Switch::Ess4,
        name: "4ess",
        timers: &[(Timer::T305, 4)],
        network_provided: true,
        reading: SHIFT_PASSED_OVER,
        calling_name: NameBy::Nothing,
        service: Some(SERVICE),
        ..NORTH_AMERICA
    },
    Q931,
    Row {
        switch: Switch::Qsig,
        name: "qsig",
        sending_complete: false,
        calling_name: NameBy::FacilityInSetup(Form::Private),
        ..Q931
    },
];

impl Switch {
    /// The variant's line in the table.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Q.931's timers with this variant's differences.
    #[must_use]
    pub fn timers(self, side: Side) -> Timers {
        let differences = self.row().timers.iter();
        differences
            .fold(Timers::new(side), |timers, (timer, seconds)| timers.with(*timer, Duration::from_secs(*seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variant_finds_its_own_row() {
        for row in TABLE {
            assert_eq!(row.switch.row().switch, row.switch, "{}", row.name);
        }
    }

    #[test]
    fn who_speaks_service_and_how() {
        let discriminators = TABLE.map(|row| row.service.map(|rules| rules.discriminator as u8));
        assert_eq!(discriminators, [Some(0x43), Some(0x03), Some(0x03), Some(0x03), None, None]);
        for rules in TABLE.iter().filter_map(|row| row.service) {
            assert_eq!((rules.t3m1_seconds, rules.attempts, rules.audit_seconds), (120, 2, 900));
        }
    }

    #[test]
    fn differences_are_applied() {
        assert_eq!(Switch::Ess5.timers(Side::User).get(Timer::T305), Duration::from_secs(4));
        assert_eq!(Switch::EuroIsdn.timers(Side::User).get(Timer::T305), Duration::from_secs(30));
    }
}
