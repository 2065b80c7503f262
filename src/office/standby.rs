//! D channels that stand by: when one of the two of a group is missing, the next failure would silence all its spans.
//!
//! A backup that never came up and a primary that has failed come to the same: one D channel signals alone. Which of them is
//! down, and why, is told by the alarms of its span.
//!
//! Data path: the picture's states of D channels → here → an alarm of the group.
//! Time: wall-clock, in milliseconds; one that is missing for [`MISSING_MS`] is told, and cleared when both have been up for
//! [`BACK_MS`]. The same times as of a failure of a line.
//! Words: alone, of a D channel: it signals, and none stands by.

use super::picture::Picture;
use super::{Office, now_ms};
use control::{AlarmInfo, Severity};
use isdn::{LinkId, LinkState};

const MISSING_MS: u64 = 2_500;
const BACK_MS: u64 = 10_000;
/// How often the states are looked at.
const LOOK_EVERY_MS: u64 = 500;

/// One group with a backup.
#[derive(Clone, Debug)]
struct Watched {
    group: String,
    /// The spans with the primary and the backup D channel.
    spans: [u16; 2],
    /// Since when it has been otherwise than was told.
    changed_ms: Option<u64>,
    /// The D channel that was told to be alone.
    told: Option<LinkId>,
}

/// All groups with a backup.
#[derive(Clone, Debug, Default)]
pub(super) struct Standby {
    groups: Vec<Watched>,
    looked_ms: u64,
}

/// What there is to tell of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    group: String,
    spans: [u16; 2],
    /// The D channel that is alone, `None`: the other one is back.
    alone: Option<LinkId>,
}

impl Watched {
    /// The D channel that is alone now.
    fn alone(&self, picture: &Picture) -> Option<LinkId> {
        let up = |span: u16| {
            let shared = picture.spans.get(usize::from(span)).and_then(|span| span.shared.as_ref());
            matches!(shared.and_then(|shared| shared.link), Some(LinkState::InService | LinkState::Standby))
        };
        match self.spans.map(up) {
            [true, false] => Some(LinkId::Primary),
            [false, true] => Some(LinkId::Backup),
            [true, true] | [false, false] => None,
        }
    }

    fn look(&mut self, now: u64, alone: Option<LinkId>) -> Option<Told> {
        if alone == self.told {
            self.changed_ms = None;
            return None;
        }
        let since = *self.changed_ms.get_or_insert(now);
        let patience = if alone.is_some() { MISSING_MS } else { BACK_MS };
        if now.saturating_sub(since) < patience {
            return None;
        }
        (self.changed_ms, self.told) = (None, alone);
        Some(Told { group: self.group.clone(), spans: self.spans, alone })
    }
}

impl Standby {
    pub fn new(picture: &Picture) -> Standby {
        let watched = |(number, span): (u16, &super::picture::SpanPicture)| {
            let shared = span.shared.as_ref().filter(|shared| shared.with_backup && shared.named_by == number)?;
            let backup = picture.d_channels_of(&shared.group).find(|other| *other != number)?;
            let (group, spans) = (shared.group.clone(), [number, backup]);
            Some(Watched { group, spans, changed_ms: None, told: None })
        };
        Standby { groups: (0u16..).zip(&picture.spans).filter_map(watched).collect(), looked_ms: 0 }
    }

    fn look(&mut self, now: u64, picture: &Picture) -> Vec<Told> {
        let look = |group: &mut Watched| group.look(now, group.alone(picture));
        self.groups.iter_mut().filter_map(look).collect()
    }
}

/// What the alarm is about.
fn about(group: &str) -> String {
    format!("nfas {group}")
}

fn in_words(group: &str, spans: [u16; 2], alone: LinkId) -> String {
    let [primary, backup] = spans.map(|span| span + 1);
    match alone {
        LinkId::Primary => format!(
            "nfas {group}: the backup D channel on span {backup} is down; the primary on span {primary} signals alone: see what \
             is wrong with span {backup}, and whether the carrier has a backup on it"
        ),
        LinkId::Backup => format!(
            "nfas {group}: the primary D channel on span {primary} has failed; the backup on span {backup} has taken over and \
             signals alone: see what is wrong with span {primary}"
        ),
    }
}

impl Office {
    /// Tell of groups that have lost a D channel, or have both again.
    pub(super) fn see_to_standby(&mut self) {
        let now = now_ms();
        if self.standby.groups.is_empty() || now.saturating_sub(self.standby.looked_ms) < LOOK_EVERY_MS {
            return;
        }
        self.standby.looked_ms = now;
        let told = self.standby.look(now, &self.shared.picture());
        for Told { group, spans, alone } in told {
            let what = about(&group);
            match alone {
                Some(alone) => {
                    let text = in_words(&group, spans, alone);
                    let cause = "loss_of_redundancy".to_owned();
                    let (severity, since_ms) = (Severity::Minor, now);
                    let alarm =
                        AlarmInfo { severity, what, cause, text: text.clone(), since_ms, ..AlarmInfo::default() };
                    self.shared.picture().alarms.raise(alarm);
                    self.announce(log::Level::Warn, "span", None, text);
                }
                None => {
                    if self.shared.picture().clear(&what) {
                        let text = format!("nfas {group}: no D channel signals alone any more");
                        self.announce(log::Level::Info, "span", None, text);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn east() -> Watched {
        Watched { group: "east".into(), spans: [0, 1], changed_ms: None, told: None }
    }

    #[test]
    fn a_backup_that_never_comes_up_is_told_once_and_cleared_when_it_has_stayed() {
        let mut group = east();
        let alone = Some(LinkId::Primary);
        assert_eq!((group.look(1_000, alone), group.look(3_400, alone)), (None, None));
        assert_eq!(group.look(3_500, alone).and_then(|told| told.alone), alone);
        assert_eq!(group.look(60_000, alone), None);
        assert_eq!((group.look(61_000, None), group.look(65_000, alone), group.look(66_000, None)), (None, None, None));
        assert_eq!(group.look(75_900, None), None, "it had gone once more");
        assert_eq!(group.look(76_000, None).map(|told| told.alone), Some(None));
    }

    #[test]
    fn the_one_that_takes_over_is_named() {
        let mut group = east();
        assert_eq!((group.look(0, None), group.look(10, Some(LinkId::Backup))), (None, None));
        let told = group.look(2_510, Some(LinkId::Backup)).expect("it is told");
        let text = in_words(&told.group, told.spans, LinkId::Backup);
        assert!(text.contains("primary D channel on span 1 has failed") && text.contains("backup on span 2"), "{text}");
    }
}
