//! The journal under power cuts, damage, a full disk and a second daemon.

use super::*;
use crate::KeyId;
use proptest::prelude::*;
use std::fs;

fn event(serial: u32) -> EventNumber {
    EventNumber::with_serial(KeyId::FIRST, serial)
}

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn path(directory: &tempfile::TempDir) -> PathBuf {
    directory.path().join(FILE_NAME)
}

/// A journal of three entries and its text.
fn three_entries() -> (tempfile::TempDir, String) {
    let directory = directory();
    let mut journal = Journal::open(directory.path()).unwrap();
    journal.append(1, event(1), Happening::Reserved, "operator").unwrap();
    journal.append(2, event(1), Happening::Ended, "host").unwrap();
    journal.append(3, event(2), Happening::Over, "time-out").unwrap();
    drop(journal);
    let text = fs::read_to_string(path(&directory)).unwrap();
    (directory, text)
}

#[test]
fn what_was_written_is_there_again() {
    let (directory, text) = three_entries();
    assert_eq!(
        text.lines().nth(1).unwrap(),
        format!("{{\"at_ms\":2,\"event\":\"{}\",\"what\":\"ended\",\"by\":\"host\"}}", event(1))
    );
    let journal = Journal::open(directory.path()).unwrap();
    assert_eq!(journal.recovery(), Recovery { entries: 3, ..Recovery::default() });
    let ended = EventState { closed: Some(Closing::Ended), archive_due: false, last: Happening::Ended, at_ms: 2 };
    assert_eq!(journal.state(event(1)), Some(ended));
    assert_eq!(journal.state(event(2)).unwrap().closed, Some(Closing::Over));
    assert_eq!(journal.state(event(3)), None);
    assert_eq!(journal.events().count(), 2);
}

#[test]
fn the_graver_closing_stays() {
    let directory = directory();
    let mut journal = Journal::open(directory.path()).unwrap();
    for (what, closed) in [
        (Happening::Reserved, None),
        (Happening::Over, Some(Closing::Over)),
        (Happening::Cancelled, Some(Closing::Cancelled)),
        (Happening::Ended, Some(Closing::Cancelled)),
        (Happening::ArchiveDue, Some(Closing::Cancelled)),
    ] {
        journal.append(1, event(1), what, "").unwrap();
        assert_eq!(journal.state(event(1)).unwrap().closed, closed);
    }
    assert!(journal.state(event(1)).unwrap().archive_due);
}

#[test]
fn one_daemon_at_a_time() {
    let directory = directory();
    let first = Journal::open(directory.path()).unwrap();
    let error = Journal::open(directory.path()).unwrap_err();
    assert!(matches!(error, JournalError::InUse { .. }));
    assert!(error.to_string().ends_with("is in use: another daemon runs in this state directory"), "{error}");
    drop(first);
    Journal::open(directory.path()).unwrap();
}

/// The power goes after every single octet of the third entry.
#[test]
fn a_torn_last_line_is_taken_off_or_finished() {
    let (directory, text) = three_entries();
    let two_lines = text.lines().take(2).map(|l| l.len() + 1).sum::<usize>();
    for cut in two_lines..text.len() {
        fs::write(path(&directory), &text[..cut]).unwrap();
        let mut journal = Journal::open(directory.path()).unwrap();
        let whole = cut == text.len() - 1;
        assert_eq!(journal.recovery().torn, cut > two_lines);
        assert_eq!(journal.recovery().entries, 2 + u64::from(whole));
        assert_eq!(journal.state(event(2)).is_some(), whole);
        // What follows is read back in full.
        journal.append(9, event(3), Happening::Ended, "host").unwrap();
        drop(journal);
        let again = Journal::open(directory.path()).unwrap().recovery();
        assert_eq!(again, Recovery { entries: 3 + u64::from(whole), ..Recovery::default() });
    }
}

#[test]
fn damage_and_the_future_are_passed_over_and_kept() {
    let (directory, text) = three_entries();
    let long = "x".repeat(3 * LONGEST_LINE as usize);
    let good = event(5);
    let strange = format!(
        "\n\0\0\0\n[]\n{long}\n{{\"at_ms\":1,\"event\":\"12\",\"what\":\"ended\"}}\n{{\"at_ms\":1,\"event\":\"{good}\",\"what\":7}}\n\
         {{\"at_ms\":7,\"event\":\"{good}\",\"what\":\"transcribed\",\"by\":\"x\",\"language\":\"en\"}}\n\
         {{\"at_ms\":8,\"event\":\"{good}\",\"what\":\"cancelled\",\"note\":{{\"a\":[1]}}}}\n"
    );
    fs::write(path(&directory), format!("{text}{strange}")).unwrap();
    let journal = Journal::open(directory.path()).unwrap();
    assert_eq!(journal.recovery(), Recovery { entries: 4, unknown: 1, damaged: 6, torn: false });
    assert_eq!(journal.state(good).unwrap().closed, Some(Closing::Cancelled));
    drop(journal);
    assert_eq!(fs::read_to_string(path(&directory)).unwrap(), format!("{text}{strange}"));
}

#[test]
fn an_endless_last_line_is_taken_off() {
    let (directory, text) = three_entries();
    fs::write(path(&directory), format!("{text}{}", "y".repeat(1_000_000))).unwrap();
    assert!(Journal::open(directory.path()).unwrap().recovery().torn);
    assert_eq!(fs::read_to_string(path(&directory)).unwrap(), text);
}

/// A descriptor that may not be written stands for the full disk.
#[test]
fn on_a_full_disk_entries_wait() {
    let (directory, text) = three_entries();
    let mut journal = Journal::open(directory.path()).unwrap();
    let writable = std::mem::replace(&mut journal.file, File::open(path(&directory)).unwrap());
    let error = journal.append(4, event(4), Happening::Ended, "host").unwrap_err();
    assert!(matches!(error, JournalError::Write { pending: 1, .. }), "{error}");
    assert!(journal.append(5, event(5), Happening::Ended, "host").is_err());
    assert_eq!(journal.pending(), 2);
    assert_eq!(journal.state(event(4)).unwrap().closed, Some(Closing::Ended), "it counts all the same");
    // Half a line got through before the disk was full.
    journal.file = writable;
    fs::write(path(&directory), format!("{text}{{\"at_ms\":4,\"ev")).unwrap();
    journal.flush().unwrap();
    assert_eq!(journal.pending(), 0);
    drop(journal);
    let journal = Journal::open(directory.path()).unwrap();
    assert_eq!(journal.recovery(), Recovery { entries: 5, ..Recovery::default() });
}

#[test]
fn what_waits_is_bounded() {
    let directory = directory();
    let mut journal = Journal::open(directory.path()).unwrap();
    let line = encode(1, event(1), Happening::Ended, "host");
    journal.pending = std::iter::repeat_n(line, MOST_PENDING).collect();
    let writable = std::mem::replace(&mut journal.file, File::open(path(&directory)).unwrap());
    let error = journal.append(2, event(2), Happening::Ended, "host").unwrap_err();
    assert!(matches!(error, JournalError::Lost { .. }), "{error}");
    assert_eq!(journal.pending(), MOST_PENDING);
    assert!(journal.state(event(2)).is_some());
    journal.file = writable;
    journal.append(3, event(3), Happening::Ended, "host").unwrap();
    assert_eq!(fs::read_to_string(path(&directory)).unwrap().lines().count(), MOST_PENDING + 1);
}

#[test]
fn no_name_is_too_long_or_too_strange() {
    let directory = directory();
    let mut journal = Journal::open(directory.path()).unwrap();
    journal.append(1, event(1), Happening::Ended, &"\n\u{1}\"é".repeat(10_000)).unwrap();
    drop(journal);
    assert_eq!(Journal::open(directory.path()).unwrap().recovery().entries, 1);
}

#[test]
fn a_directory_that_is_not_there_is_said() {
    let directory = directory();
    let error = Journal::open(&directory.path().join("absent")).unwrap_err();
    assert!(matches!(error, JournalError::Open { .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is in the file, it opens, and what is then written is read back.
    #[test]
    fn anything_opens(octets in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'{')], 0..300)) {
        let directory = directory();
        fs::write(path(&directory), octets).unwrap();
        let mut journal = Journal::open(directory.path()).unwrap();
        journal.append(1, event(1), Happening::Cancelled, "operator").unwrap();
        drop(journal);
        let journal = Journal::open(directory.path()).unwrap();
        prop_assert_eq!(journal.state(event(1)).unwrap().closed, Some(Closing::Cancelled));
        prop_assert!(!journal.recovery().torn);
    }
}
