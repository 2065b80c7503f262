//! Somebody who has never seen Trunkcast, with a browser: reserves an event, dials in with what the page gives, listens to it on the
//! page of the link, leads it, ends it. Prints how long it took to the first sound, and by which way.
//!
//! With `TRUNKCAST_PICTURES=DIR` in its environment it leaves pictures of every page, for a phone and a desk, light and dark.

use control::{DialPlan, Repeat};
use hw_tests::browser::Browser;
use hw_tests::daemon::{Daemon, T1, program};
use hw_tests::web::Portal;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Of a phone and of a desk.
const WIDTHS: [u32; 2] = [390, 1280];

/// What must be so on every page, and pictures of it.
fn look_at(browser: &mut Browser, name: &str) {
    let nameless = browser.evaluate(
        "[...document.querySelectorAll('input:not([type=hidden]),button,a,meter,select')].filter(e => \
         !(e.labels && e.labels.length) && !e.textContent.trim() && !e.getAttribute('aria-label')).map(e => e.outerHTML)",
    );
    assert_eq!(nameless, serde_json::json!([]), "{name}: without a name for those who do not see it");
    let facts = browser.evaluate("[document.documentElement.lang, document.title !== '', document.querySelectorAll('h1').length, document.querySelectorAll('main').length]");
    assert_eq!(facts, serde_json::json!(["en", true, 1, 1]), "{name}");
    for width in WIDTHS {
        assert!(browser.overhang(width) <= 0, "{name} is wider than {width}");
        if let Some(directory) = std::env::var_os("TRUNKCAST_PICTURES").map(PathBuf::from) {
            for dark in [false, true] {
                let scheme = if dark { "dark" } else { "light" };
                browser.picture(width, dark, &directory.join(format!("{name}-{width}-{scheme}.png")));
            }
        }
    }
}

#[test]
fn a_newcomer_reserves_dials_in_listens_and_ends() {
    let Some(mut browser) = Browser::start() else { return };
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
    look_at(&mut browser, "reserve");
    browser.evaluate("document.getElementById('title').value = 'Town hall, spring'");
    browser.submit("main button[type=submit]");
    look_at(&mut browser, "reserved");
    let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>();
    let number = digits(browser.text("#number"));
    let pin = digits(browser.text("#host-pin"));
    let link = browser.text("#link");

    browser.open(&link);
    browser.wait_for("document.getElementById('state').textContent === 'Nobody speaks yet.'");
    look_at(&mut browser, "attend-before");
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
    look_at(&mut browser, "attend-live");
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

    // Whoever reserved is signed in as its host.
    browser.open(&format!("{home}/host/{number}/"));
    browser.wait_for("document.querySelector('#callers table')");
    let row = browser.text("#callers tbody tr");
    assert!(row.contains("43") && row.contains("host") && !row.contains("2025550143"), "{row}");
    look_at(&mut browser, "host");
    browser.submit("button[value=lock]");
    browser.wait_for("document.querySelector('button[value=unlock]')");
    browser.submit("button[value=mute]");
    browser.wait_for("document.querySelector('button[value=unmute]')");

    browser.open(&format!("{home}/sign-in"));
    look_at(&mut browser, "sign-in");
    browser.evaluate(
        "document.getElementById('name').value = 'kim'; document.getElementById('secret').value = 'a long password'",
    );
    browser.submit("main button[type=submit]");
    look_at(&mut browser, "operator");
    let calls = daemon.client().exchange_calls().expect("calls").len();
    browser.submit("form[action='/operator/call-in'] button");
    assert_eq!(daemon.client().exchange_calls().expect("calls").len(), calls + 1, "call in now");
    browser.open(&format!("{home}/host/"));
    look_at(&mut browser, "hosted");

    browser.open(&format!("{home}/host/{number}/"));
    browser.evaluate("document.getElementById('sure').checked = true");
    browser.submit("button.grave");
    assert_eq!(browser.text("#event-state"), "ended");
    look_at(&mut browser, "host-ended");
    browser.open(&link);
    assert!(browser.text("#state").contains("Its archive will be here"));
    look_at(&mut browser, "attend-ended");
}
