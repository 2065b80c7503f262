//! `trunkctl conference`.

use super::or_dash;
use crate::table::{Set, Table};
use crate::words::{ago, clean, count, date};
use control::{ConferenceInfo, ConferenceMember, ConferenceMode, MemberPlace, MutedBy, Role};

/// All conferences.
pub fn conferences(all: &[ConferenceInfo], now_ms: u64) -> String {
    if all.is_empty() {
        return "no conferences\n".into();
    }
    let mut table = Table::new(&[
        ("EVENT", Set::Left),
        ("TITLE", Set::Cut),
        ("MODE", Set::Left),
        ("IN", Set::Right),
        ("HOSTS", Set::Right),
        ("WAIT", Set::Right),
        ("HANDS", Set::Right),
        ("FOR", Set::Left),
        ("", Set::Left),
    ]);
    for one in all {
        table.row([
            one.event.clone(),
            one.title.clone(),
            mode(one.mode).into(),
            one.present.to_string(),
            one.hosts.to_string(),
            one.waiting.to_string(),
            one.hands.to_string(),
            ago(now_ms, one.since_ms),
            if one.locked { "locked" } else { "" }.into(),
        ]);
    }
    table.text()
}

/// One of them, and who is in it.
pub fn conference(info: &ConferenceInfo, now_ms: u64) -> String {
    let heard = match info.mode {
        ConferenceMode::Conversation => "everybody but listeners is heard",
        ConferenceMode::Question => "hosts are heard, and whom they call on",
        ConferenceMode::Lecture => "hosts are heard",
        ConferenceMode::Unknown => "a mode this trunkctl does not know",
    };
    let mut text = format!("event {}, {}: {}, {heard}\n", info.event, clean(&info.title), mode(info.mode));
    text += &conference_count(info);
    text += "\n";
    let states = [
        (info.locked, "locked: only hosts are let in"),
        (info.mutes_locked, "muted by a host, and nobody can unmute himself"),
        (info.all_muted && !info.mutes_locked, "whoever comes is muted"),
        (info.on_air, "on the air"),
    ];
    for (_, state) in states.into_iter().filter(|(is, _)| *is) {
        text += state;
        text += "\n";
    }
    if info.samples_clipped > 0 {
        text += &format!("{} of all together too loud: clamped\n", count(info.samples_clipped, "sample"));
    }
    if let Some(at) = info.ends_at_ms {
        text += &format!("ends at {} UTC\n", date(at));
    }
    for one in &info.called {
        text += &format!(
            "called {}: call {}, {} ago: {}\n",
            clean(&one.number),
            one.call,
            ago(now_ms, one.since_ms),
            clean(&one.text)
        );
    }
    if info.members.is_empty() {
        return text;
    }
    let mut table = Table::new(&[
        ("CALL", Set::Right),
        ("NAME", Set::Cut),
        ("NUMBER", Set::CutFront),
        ("ROLE", Set::Left),
        ("WHERE", Set::Left),
        ("VOICE", Set::Left),
        ("HAND", Set::Right),
        ("FOR", Set::Left),
    ]);
    for member in &info.members {
        let hand = match (member.has_floor, member.hand) {
            (true, _) => "floor".to_owned(),
            (false, hand) => or_dash(hand),
        };
        table.row([
            member.call.to_string(),
            or_dash(member.name.as_ref()),
            or_dash(member.number.as_ref()),
            role(member.role).into(),
            place(member.place).into(),
            voice(member),
            hand,
            ago(now_ms, member.since_ms),
        ]);
    }
    text + &table.text()
}

/// How many there are.
pub fn conference_count(info: &ConferenceInfo) -> String {
    format!(
        "{} in it, {}, {} waiting, {} raised",
        info.present,
        count(info.hosts.into(), "host"),
        info.waiting,
        count(info.hands.into(), "hand"),
    )
}

/// Who is there.
pub fn roll(members: &[ConferenceMember]) -> String {
    listed(members, "nobody is in it", |_| String::new())
}

/// Who wants to speak.
pub fn hands(members: &[ConferenceMember]) -> String {
    listed(members, "no hand is raised", |member| match member.hand {
        Some(place) => format!("{place:>3}. "),
        None => String::new(),
    })
}

fn listed(members: &[ConferenceMember], nobody: &str, before: impl Fn(&ConferenceMember) -> String) -> String {
    if members.is_empty() {
        return format!("{nobody}\n");
    }
    let line = |member: &ConferenceMember| {
        let who = match (&member.name, &member.number) {
            (Some(name), Some(number)) => format!("{name}, {number}"),
            (Some(one), None) | (None, Some(one)) => one.clone(),
            (None, None) => "without name or number".to_owned(),
        };
        format!("{}call {}: {} ({})\n", before(member), member.call, clean(&who), role(member.role))
    };
    members.iter().map(line).collect()
}

/// A mode in a word.
pub fn mode(mode: ConferenceMode) -> &'static str {
    match mode {
        ConferenceMode::Conversation => "conversation",
        ConferenceMode::Question => "question",
        ConferenceMode::Lecture => "lecture",
        ConferenceMode::Unknown => "?",
    }
}

fn role(role: Role) -> &'static str {
    match role {
        Role::Host => "host",
        Role::Speaker => "speaker",
        Role::Listener => "listener",
        Role::Unknown => "?",
    }
}

fn place(place: MemberPlace) -> &'static str {
    match place {
        MemberPlace::Naming => "says name",
        MemberPlace::WaitingForHost => "no host yet",
        MemberPlace::WaitingForAdmission => "waits",
        MemberPlace::Present => "in",
        MemberPlace::Unknown => "?",
    }
}

fn voice(member: &ConferenceMember) -> String {
    match (member.muted, member.talking, member.level_dbm0) {
        (Some(MutedBy::Oneself), ..) => "muted himself".into(),
        (Some(MutedBy::Host), ..) => "muted by host".into(),
        (Some(MutedBy::Mode), ..) => "muted by mode".into(),
        (Some(MutedBy::Role), ..) => "listens".into(),
        (Some(MutedBy::Unknown), ..) => "muted".into(),
        (None, true, Some(level)) => format!("{level:.0} dBm0"),
        (None, true, None) => "talking".into(),
        (None, false, _) => "-".into(),
    }
}
