//! Somebody who has never seen Trunkcast, with a browser: reserves an event, dials in with what the page gives, listens to it on the
//! page of the link, leads it, ends it. Prints how long it took to the first sound, and by which way.
//!
//! With `TRUNKCAST_PICTURES=DIR` in its environment it leaves pictures of every page, for a phone and a desk, light and dark.

use control::{DialPlan, Repeat};
use hw_tests::axe::{Axe, WIDTHS};
use hw_tests::browser::Browser;
use hw_tests::daemon::{Daemon, T1, program};
use hw_tests::web::Portal;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What must be so on every page, and pictures of it.
fn look_at(browser: &mut Browser, axe: Option<&Axe>, name: &str) {
    axe.into_iter().for_each(|axe| axe.look_at(browser, name));
    let facts = browser.evaluate("[document.documentElement.lang, document.title !== '', document.querySelectorAll('h1').length, document.querySelectorAll('main').length]");
    assert_eq!(facts, serde_json::json!(["en", true, 1, 1]), "{name}");
    let pictures = std::env::var_os("TRUNKCAST_PICTURES").map(PathBuf::from);
    for (width, device) in WIDTHS.into_iter().zip(["phone", "desk"]) {
        for (dark, scheme) in [(false, "light"), (true, "dark")] {
            browser.dress(width, dark);
            assert!(browser.overhang() <= 0, "{name} is wider than {width}");
            if let Some(directory) = &pictures {
                browser.picture(&directory.join(format!("{name}-{device}-{scheme}.png")));
            }
        }
    }
}

/// What has the keyboard, by its id or its words.
fn focused(browser: &mut Browser) -> String {
    let words = browser.evaluate("document.activeElement.id || document.activeElement.textContent.trim()");
    words.as_str().unwrap_or_default().to_owned()
}

/// Goes on with the tab key until this has the keyboard.
fn tab_to(browser: &mut Browser, wanted: &str) {
    for _ in 0..30 {
        browser.press("Tab");
        if focused(browser) == wanted {
            let outline = browser.evaluate("getComputedStyle(document.activeElement).outlineStyle");
            assert_ne!(outline, "none", "{wanted}: not to be seen that it has the keyboard");
            return;
        }
    }
    panic!("the tab key does not lead to {wanted}");
}

#[test]
fn without_a_mouse_an_event_is_reserved_heard_and_ended() {
    let Some(mut browser) = Browser::start() else { return };
    let daemon = Daemon::start("", "", T1);
    let portal = Portal::beside(&daemon, "open = true");
    browser.open(&format!("http://{}/", portal.address));
    browser.press("Tab");
    assert_eq!(focused(&mut browser), "To the content", "past the head of the page");
    tab_to(&mut browser, "title");
    browser.type_in("By keys alone");
    tab_to(&mut browser, "webm");
    browser.press(" ");
    assert_eq!(browser.evaluate("document.getElementById('webm').checked"), false);
    tab_to(&mut browser, "Reserve");
    browser.leave(|browser| browser.press("Enter"));
    let page = browser.evaluate("location.href");
    tab_to(&mut browser, "link");
    browser.leave(|browser| browser.press("Enter"));
    tab_to(&mut browser, "play");
    browser.press("Enter");
    browser.wait_for("document.getElementById('play').textContent === 'Stop'");
    browser.press(" ");
    browser.wait_for("document.getElementById('play').textContent === 'Listen'");
    tab_to(&mut browser, "volume");

    browser.open(page.as_str().expect("an address").trim_end_matches("reserve"));
    tab_to(&mut browser, "My events");
    browser.leave(|browser| browser.press("Enter"));
    let number = browser.text("td a");
    tab_to(&mut browser, &number);
    browser.leave(|browser| browser.press("Enter"));
    tab_to(&mut browser, "sure");
    browser.press(" ");
    tab_to(&mut browser, "End the event");
    browser.leave(|browser| browser.press("Enter"));
    assert_eq!(browser.text("#event-state"), "ended");
}

#[test]
fn a_newcomer_reserves_dials_in_listens_and_ends() {
    let Some(mut browser) = Browser::start() else { return };
    let axe = Axe::fetched();
    let axe = axe.as_ref();
    let daemon = Daemon::start("", "formats = [\"mp3\", \"webm\"]", T1);
    std::fs::write(daemon.file("account.toml"), format!("state_dir = {:?}\n", daemon.state())).expect("written");
    let mut account = Command::new(program("trunkcast-portal"))
        .args(["account", "kim", "--role", "operator", "--config"])
        .arg(daemon.file("account.toml"))
        .stdin(Stdio::piped())
        .spawn()
        .expect("run");
    account.stdin.take().expect("piped").write_all(b"a long password\n").expect("told");
    assert!(account.wait().expect("ended").success());
    let portal = Portal::beside(&daemon, "open = true\ndial_in = [\"+1 202 555 0100\"]");
    let home = format!("http://{}", portal.address);

    browser.open(&home);
    look_at(&mut browser, axe, "reserve");
    browser.evaluate("document.getElementById('title').value = 'Town hall, spring'");
    browser.submit("main button[type=submit]");
    look_at(&mut browser, axe, "reserved");
    let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let number = digits(browser.text("#number"));
    let pin = digits(browser.text("#host-pin"));
    let link = browser.text("#link");

    browser.open(&link);
    browser.wait_for("document.getElementById('state').textContent === 'Nobody speaks yet.'");
    look_at(&mut browser, axe, "attend-before");
    let speech = std::path::absolute("../assets/speech/a1.wav").expect("a path");
    let plan = DialPlan {
        calling: Some("2025550143".into()),
        name: Some("Anna".into()),
        event: Some(number.clone()),
        pin: Some(pin),
        wav: speech.to_str().map(str::to_owned),
        repeat: Repeat::Forever,
        key_on_ms: 60,
        key_off_ms: 60,
        ..DialPlan::default()
    };
    daemon.client().exchange_dial(plan).expect("dialled");
    browser.wait_for("document.getElementById('state').dataset.state === 'live'");
    browser.evaluate("document.getElementById('play').click()");
    browser.wait_for("window.trunkcast.firstSoundMs !== null");
    let facts = browser.evaluate("window.trunkcast");
    println!("first sound after {} ms, by {}", facts["firstSoundMs"], facts["way"]);
    assert_eq!(facts["way"], "pcmu", "the way with the least delay");
    browser.wait_for("document.getElementById('level').value > 0.01");
    browser.wait_for("document.getElementById('elapsed').textContent !== '0:00'");
    look_at(&mut browser, axe, "attend-live");
    // The other ways play as well, where the first cannot.
    for (hidden, way) in [
        ("delete window.AudioWorkletNode", "webm"),
        ("delete window.AudioWorkletNode; delete window.MediaSource", "mp3"),
    ] {
        browser.open(&link);
        browser.evaluate(&format!("{hidden}; document.getElementById('play').click()"));
        browser.wait_for("window.trunkcast.firstSoundMs !== null");
        let facts = browser.evaluate("window.trunkcast");
        println!("first sound after {} ms, by {}", facts["firstSoundMs"], facts["way"]);
        assert_eq!(facts["way"], way);
    }

    // A link with a password asks for it, once.
    let closed = r#"{"title": "Board meeting", "password": "tulips in May"}"#;
    let closed = portal.ask("POST", "/api/v1/events", &["Content-Type: application/json"], closed).json();
    browser.open(closed["link"].as_str().expect("a link"));
    look_at(&mut browser, axe, "password");
    for (given, heading) in [("roses", "Password, please"), ("tulips in May", "Board meeting")] {
        browser.evaluate(&format!("document.getElementById('password').value = '{given}'"));
        browser.submit("main button[type=submit]");
        assert_eq!(browser.text("h1"), heading, "{given}");
        if given == "roses" {
            look_at(&mut browser, axe, "password-wrong");
        }
    }

    // Whoever reserved is signed in as its host.
    browser.open(&format!("{home}/host/{number}/"));
    browser.wait_for("document.querySelector('#callers table')");
    let row = browser.text("#callers tbody tr");
    assert!(row.contains("43") && row.contains("host") && !row.contains("2025550143"), "{row}");
    look_at(&mut browser, axe, "host");
    browser.submit("button[value=lock]");
    browser.wait_for("document.querySelector('button[value=unlock]')");
    browser.submit("button[value=mute]");
    browser.wait_for("document.querySelector('button[value=unmute]')");

    browser.open(&format!("{home}/host/1000000008/"));
    look_at(&mut browser, axe, "error");
    browser.open(&format!("{home}/sign-in"));
    look_at(&mut browser, axe, "sign-in");
    browser.evaluate(
        "document.getElementById('name').value = 'kim'; document.getElementById('secret').value = 'a long password'",
    );
    browser.submit("main button[type=submit]");
    look_at(&mut browser, axe, "operator");
    let calls = daemon.client().exchange_calls().expect("calls").len();
    browser.submit("form[action='/operator/call-in'] button");
    assert_eq!(daemon.client().exchange_calls().expect("calls").len(), calls + 1, "call in now");
    browser.open(&format!("{home}/host/"));
    look_at(&mut browser, axe, "hosted");

    browser.open(&format!("{home}/host/{number}/"));
    browser.evaluate("document.getElementById('sure').checked = true");
    browser.submit("button.grave");
    assert_eq!(browser.text("#event-state"), "ended");
    look_at(&mut browser, axe, "host-ended");
    browser.open(&link);
    assert!(browser.text("#state").contains("Its archive will be here"));
    look_at(&mut browser, axe, "attend-ended");
}
