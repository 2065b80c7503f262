//! How much of a caller's number is seen is what the configuration says, and of an extension nothing by default.

use super::switchboard::{Place, wait};
use exchange::{CallOrder, Prepared, Sink};

/// What is shown of the one member who calls from this number.
fn shown(rules: &str, calling: &str) -> Option<String> {
    let mut place = Place::new(rules, vec![]);
    let script = [place.enters(&place.event.pins.speaker), vec![wait(60_000)]].concat();
    let order = CallOrder { called: "5550100".into(), calling: Some(calling.into()), ..CallOrder::default() };
    let call = Prepared { order, ..Prepared::from_script("5550100", script, Sink::None) };
    place.exchange.dial_prepared(call).expect("dialled");
    let info = place.until("the caller", |c| c.present == 1);
    assert!(place.daemon.terminate().success());
    info.members[0].number.clone()
}

#[test]
fn of_a_callers_number_as_much_is_shown_as_the_configuration_says() {
    let rule = |word: &str| format!("[conference]\nshow_numbers = \"{word}\"\n");
    for (rules, calling, wanted) in [
        (String::new(), "5551234567", Some("xxxxxx4567")),
        (String::new(), "102", Some("xxx")),
        (rule("all"), "5551234567", Some("5551234567")),
        (rule("none"), "5551234567", None),
    ] {
        assert_eq!(shown(&rules, calling).as_deref(), wanted, "{rules:?} {calling}");
    }
}
