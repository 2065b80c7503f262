//! Requests made up from the portal's own description of itself, by a tester of others: what is allowed and what is not, a thousand
//! ways. Every answer is one that is described, and what is asked well is not refused.
//!
//! The tester is schemathesis; `.ci/run` installs it below `target/`. XML is tried with what is allowed only: the description tells
//! of both spellings in the words of JSON, where an empty list and an empty text are two things, and null is another.

use hw_tests::daemon::{Daemon, T1, program};
use hw_tests::web::Portal;
use serde_json::Value;
use std::path::Path;
use std::process::Command;

const TESTER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/schemathesis/bin/schemathesis");

/// The description without what says it in XML, so that what is forbidden is made up in JSON alone.
fn without_xml(document: &mut Value) {
    match document {
        Value::Object(members) => {
            members.retain(|name, _| name != "application/xml");
            members.values_mut().for_each(without_xml);
        }
        Value::Array(values) => values.iter_mut().for_each(without_xml),
        _ => {}
    }
}

fn run(description: &Path, portal: &Portal, token: &str, modes: &str) {
    let output = Command::new(TESTER)
        .arg("run")
        .arg(description)
        .args(["--url", &format!("http://{}/api/v1", portal.address)])
        .args(["-H", &format!("Authorization: Bearer {token}"), "--mode", modes])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "30", "--seed", "20261122"])
        .args(["--no-color", "--continue-on-failure", "--request-timeout", "20"])
        .current_dir(description.parent().expect("in a folder"))
        .output()
        .expect("it was there");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}\n{}", String::from_utf8_lossy(&output.stderr), portal.log());
    println!("{modes}: {}", said.lines().rfind(|line| line.contains("generated")).unwrap_or_default().trim());
}

#[test]
fn every_request_that_can_be_made_up_is_answered_as_described() {
    if !Path::new(TESTER).exists() {
        assert!(std::env::var_os("CI").is_none(), "schemathesis is not there");
        eprintln!("SKIPPED: needs schemathesis; .ci/run installs it");
        return;
    }
    let daemon = Daemon::start("", "", T1);
    std::fs::write(daemon.file("token.toml"), format!("state_dir = {:?}\n", daemon.state())).expect("written");
    let made = Command::new(program("trunkcast-portal"))
        .args(["token", "tester", "--role", "operator", "--config"])
        .arg(daemon.file("token.toml"))
        .output()
        .expect("run");
    let token = String::from_utf8(made.stdout).expect("text").trim().to_owned();
    let portal = Portal::beside(&daemon, "[limits]\nrequests = 2000000\nreservations = 2000000\nsign_ins = 2000000");
    let description = portal.ask("GET", "/api/v1/openapi.json", &[], "");
    let (whole, in_json) = (daemon.file("whole.json"), daemon.file("json.json"));
    std::fs::write(&whole, &description.body).expect("written");
    let mut document = description.json();
    without_xml(&mut document);
    std::fs::write(&in_json, document.to_string()).expect("written");
    run(&in_json, &portal, &token, "all");
    run(&whole, &portal, &token, "positive");
    assert!(!portal.log().contains("panicked"), "{}", portal.log());
}
