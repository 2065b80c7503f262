//! `trunkctl calls`, `trunkctl exchange calls`.

use super::or_dash;
use crate::table::{Set, Table, WIDTH};
use crate::words::{ago, clean, count};
use control::{CallInfo, CallStage, ExchangeCallInfo, ExchangeCallState, Role};

/// Calls of the gateway.
pub fn calls(calls: &[CallInfo], now_ms: u64) -> String {
    any(calls, now_ms, false)
}

/// The same with the language of each and how its last key sounded.
pub fn calls_long(calls: &[CallInfo], now_ms: u64) -> String {
    any(calls, now_ms, true)
}

fn any(calls: &[CallInfo], now_ms: u64, long: bool) -> String {
    if calls.is_empty() { "no calls\n".into() } else { table(calls, now_ms, WIDTH, long) }
}

/// Calls of the gateway, in lines of so many characters.
pub fn calls_within(calls: &[CallInfo], now_ms: u64, width: usize) -> String {
    table(calls, now_ms, width, false)
}

fn table(calls: &[CallInfo], now_ms: u64, width: usize, long: bool) -> String {
    let columns = [
        ("CALL", Set::Right),
        ("CHANNEL", Set::Left),
        ("FROM", Set::CutFront),
        ("TO", Set::CutFront),
        ("STATE", Set::Left),
        ("EVENT", Set::Left),
        ("ROLE", Set::Left),
        ("FOR", Set::Left),
        ("VOICE", Set::Left),
    ];
    let mut table = Table::within(&columns, width);
    for call in calls {
        let state = match call.state {
            CallStage::Ringing => "ringing",
            CallStage::AskingLanguage => "asked language",
            CallStage::AskingEvent => "asked event",
            CallStage::AskingPin => "asked PIN",
            CallStage::Waiting => "waiting",
            CallStage::InConference => "conference",
            CallStage::TestCall => "test call",
            CallStage::Calling => "calling",
            CallStage::RingingThere => "ringing there",
            CallStage::Invited => "invited",
            CallStage::Leaving => "leaving",
            CallStage::Unknown => "?",
        };
        let role = call.role.map(|role| match role {
            Role::Host => "host",
            Role::Speaker => "speaker",
            Role::Listener => "listener",
            Role::Unknown => "?",
        });
        let voice = match (call.muted, call.talking, call.level_dbm0) {
            (true, _, _) => "muted".into(),
            (false, true, Some(level)) => format!("{level:.0} dBm0"),
            (false, true, None) => "talking".into(),
            (false, false, _) => "-".into(),
        };
        table.row([
            call.id.to_string(),
            format!("{}/{}", call.span, call.channel),
            or_dash(call.calling.as_ref()),
            call.called.clone(),
            state.into(),
            or_dash(call.event.as_ref()),
            or_dash(role),
            ago(now_ms, call.since_ms),
            voice,
        ]);
        if long {
            table.remark(&more(call, now_ms));
        }
    }
    table.text()
}

/// The language of a call, and its keys: what somebody wants to know whose caller is not understood.
fn more(call: &CallInfo, now_ms: u64) -> String {
    let mut text = match &call.language {
        Some(language) => format!("{language}, {}", count(call.keys_pressed.into(), "key")),
        None => count(call.keys_pressed.into(), "key"),
    };
    if let Some(key) = call.last_key {
        text += &format!(
            ", last {} ago: {} ms, {} and {} dBm0, twist {:+} dB, SNR {} dB",
            ago(now_ms, key.pressed_ms),
            key.lasted_ms,
            key.row_dbm0,
            key.column_dbm0,
            key.twist_db,
            key.snr_db
        );
        if key.off_frequency {
            text += ", off frequency";
        }
    }
    text
}

/// Calls of the exchange.
pub fn exchange_calls(calls: &[ExchangeCallInfo], now_ms: u64) -> String {
    if calls.is_empty() {
        return "no calls\n".into();
    }
    let mut table = Table::new(&[
        ("CALL", Set::Right),
        ("CHANNEL", Set::Left),
        ("FROM", Set::CutFront),
        ("TO", Set::CutFront),
        ("NAME", Set::Cut),
        ("STATE", Set::Left),
        ("FOR", Set::Left),
        ("HEARS", Set::Right),
        ("WHAT", Set::Cut),
    ]);
    for call in calls {
        let what = match call.state {
            ExchangeCallState::Ended => end(call),
            _ => call.doing.clone(),
        };
        table.row([
            call.id.to_string(),
            channel(call).unwrap_or_else(|| "-".into()),
            or_dash(call.calling.as_ref()),
            call.called.clone(),
            or_dash(call.name.as_ref()),
            state(call.state).into(),
            ago(now_ms, call.since_ms),
            call.hears_dbm0.map_or_else(|| "-".into(), |level| format!("{level:.0}")),
            what,
        ]);
    }
    table.text()
}

/// How a call of the exchange stands, for a line of its progress; two that read the same are the same.
pub fn exchange_progress(call: &ExchangeCallInfo) -> String {
    let mut text = state(call.state).to_owned();
    if call.state == ExchangeCallState::Ended {
        text = format!("{text}: {}", end(call));
    } else {
        if let Some(channel) = channel(call) {
            text = format!("{text} on {channel}");
        }
        if !call.doing.is_empty() {
            text = format!("{text}, {}", call.doing);
        }
    }
    clean(&text)
}

fn state(state: ExchangeCallState) -> &'static str {
    match state {
        ExchangeCallState::Trying => "trying",
        ExchangeCallState::Ringing => "ringing",
        ExchangeCallState::Connected => "connected",
        ExchangeCallState::Clearing => "clearing",
        ExchangeCallState::Ended => "ended",
        ExchangeCallState::Unknown => "?",
    }
}

fn channel(call: &ExchangeCallInfo) -> Option<String> {
    Some(format!("{}/{}", call.span?, call.channel?))
}

fn end(call: &ExchangeCallInfo) -> String {
    match (&call.cause_text, call.cause) {
        (Some(text), Some(cause)) => format!("{text} (cause {cause})"),
        (Some(text), None) => text.clone(),
        (None, Some(cause)) => format!("cause {cause}"),
        (None, None) => "no cause given".into(),
    }
}
