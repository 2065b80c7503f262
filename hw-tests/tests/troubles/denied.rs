//! Somebody who may only look gives an order: he is refused, and the audit log tells who wanted what.

use control::{Resume, Suspend};
use hw_tests::daemon::{Daemon, program};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// nobody and nogroup, on every Debian.
const NOBODY: u32 = 65534;

#[test]
fn an_order_that_was_denied_is_in_the_audit_log_and_changes_nothing() {
    if !nix::unistd::Uid::effective().is_root() {
        eprintln!("SKIPPED: only root can ask as somebody else");
        return;
    }
    let daemon = Daemon::start("", "", "[control]\ngroup = \"nogroup\"\nviewers = [\"@nogroup\"]\n");
    let open = |path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours");
    open(daemon.file("."));
    open(daemon.state());
    // Where he can read it, wherever the build is.
    let trunkctl = daemon.file("trunkctl");
    fs::copy(program("trunkctl"), &trunkctl).expect("copied");
    let as_nobody = |arguments: &[&str]| {
        let mut command = Command::new(&trunkctl);
        command.args(arguments).arg("--socket").arg(daemon.socket()).uid(NOBODY).gid(NOBODY);
        let output = command.output().expect("run");
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let (status, said) = as_nobody(&["spans"]);
    assert_eq!(status, Some(0), "he may look: {said}");
    let (status, said) = as_nobody(&["suspend", "span", "1", "--reason", "mischief", "--yes"]);
    assert!(status == Some(1) && said.contains("technicians"), "{status:?} {said}");
    assert_eq!(daemon.client().suspensions().expect("answered"), []);
    let (status, said) = as_nobody(&["reserve", "Mine"]);
    assert!(status == Some(1) && said.contains("operators"), "{status:?} {said}");

    let target: control::Target = "channel 1/1".parse().expect("a target");
    daemon.client().suspend(Suspend::new(target.clone())).expect("root may");
    let resume = Resume { target, hold: control::Hold::Operator, reason: None, ticket: None };
    daemon.client().resume(resume).expect("root may");
    let audit = fs::read_to_string(daemon.state().join("audit.jsonl")).expect("there");
    let orders: Vec<_> = audit
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("JSON"))
        .map(|entry| {
            let word = |field: &str| entry[field].as_str().unwrap_or("-").to_owned();
            (word("by"), word("verb"), word("target"), word("outcome"))
        })
        .collect();
    let order = |by: &str, verb: &str, target: &str, outcome: &str| {
        (by.to_owned(), verb.to_owned(), target.to_owned(), outcome.to_owned())
    };
    assert_eq!(
        orders,
        [
            order("nobody", "suspend", "span 1", "denied"),
            order("nobody", "reserve", "Mine", "denied"),
            order("root", "suspend", "channel 1/1", "-"),
            order("root", "resume", "channel 1/1", "-"),
        ]
    );
}
