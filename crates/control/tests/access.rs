//! Another user asks: he reaches the socket by his group, may look, and is refused the rest.
//!
//! The other user is this very program, started anew by `setpriv`, which only root can; anybody else skips it and says so.

mod common;

use control::*;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

const SOCKET: &str = "TRUNKCAST_TEST_SOCKET";
/// Groups that nobody is in, and a user whom nobody knows.
const GROUP: u32 = 60_070;
const TECHNICIANS: u32 = 60_071;
const USER: u32 = 60_001;

#[test]
fn another_user_may_what_his_groups_may() {
    if let Some(socket) = std::env::var_os(SOCKET) {
        return ask(Path::new(&socket));
    }
    if !nix::unistd::geteuid().is_root() || Command::new("setpriv").arg("--version").output().is_err() {
        eprintln!("skipped: only root, with setpriv, can be another user");
        return;
    }
    let admission =
        Admission { group: Some(GROUP), technicians: vec![Member::Group(TECHNICIANS)], ..Admission::default() };
    let bench = common::Bench::admitting(admission);
    let directory = bench.path.parent().expect("it is in one");
    std::fs::set_permissions(directory, std::fs::Permissions::from_mode(0o755)).expect("ours");
    let asked_by = |group: u32| {
        let output = Command::new("setpriv")
            .args([format!("--reuid={USER}"), format!("--regid={group}"), "--clear-groups".to_owned()])
            .arg(std::env::current_exe().expect("running"))
            .args(["--exact", "another_user_may_what_his_groups_may", "--nocapture"])
            .env(SOCKET, &bench.path)
            .output()
            .expect("setpriv runs");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let said = asked_by(GROUP);
    assert!(said.contains("status: true"), "{said}");
    assert!(said.contains("is a viewer, and this takes a technician"), "{said}");
    let said = asked_by(USER);
    assert!(said.contains("not reached"), "{said}");
    let denied = bench.fake.denied.lock().expect("whole");
    assert_eq!(*denied, [(Some(USER), Request::HangUp { call: 5 })]);
    let asked = bench.fake.asked.lock().expect("whole");
    assert_eq!(*asked, [Request::Status], "the refused one did not reach the daemon");
}

/// As another user.
fn ask(socket: &Path) {
    let mut client = match Client::connect(socket) {
        Ok(client) => client,
        Err(error) => return println!("not reached: {error}"),
    };
    println!("status: {}", client.status().is_ok());
    println!("hang up: {:?}", client.hang_up(5));
}
