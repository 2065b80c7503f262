//! The systemd unit, read by systemd itself: nothing in it that it does not understand, and little that it would rather not see.

use hw_tests::peers::{Package, Probe, require};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const SYSTEMD: Package = Package { name: "systemd", probe: Probe::Program("systemd-analyze") };
/// In tenths, as `systemd-analyze security` rates: 0 is a service that can do nothing, 100 one that can do everything.
const EXPOSURE: &str = "20";
const UNITS: &str = "/lib/systemd/system";

/// A root directory with the unit, its drop-ins if they are wanted, the programs it starts, and systemd's own targets.
fn installed(dropins: bool) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    let place = |path: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().expect("below the root")).expect("made");
        path
    };
    for entry in fs::read_dir(UNITS).expect("systemd's own units").map(|entry| entry.expect("read").path()) {
        if entry.extension().is_some_and(|kind| kind == "target") && entry.is_file() {
            let name = entry.file_name().expect("a file").to_string_lossy().into_owned();
            fs::copy(&entry, place(&format!("usr/lib/systemd/system/{name}"))).expect("copied");
        }
    }
    let program = place("usr/bin/trunkcastd");
    fs::write(&program, "#!/bin/sh\n").expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("made executable");
    fs::copy(ours("trunkcastd.service"), place("etc/systemd/system/trunkcastd.service")).expect("copied");
    if dropins {
        for file in fs::read_dir(ours("trunkcastd.service.d")).expect("there").map(|file| file.expect("read").path()) {
            let name = file.file_name().expect("a file").to_string_lossy().into_owned();
            fs::copy(&file, place(&format!("etc/systemd/system/trunkcastd.service.d/{name}"))).expect("copied");
        }
    }
    root
}

fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd").join(name)
}

/// Whether `systemd-analyze` is content, and what it said.
fn analyzed(root: &Path, arguments: &[&str]) -> (bool, String) {
    let root = format!("--root={}", root.display());
    let output = Command::new("systemd-analyze").args(arguments).arg(root).arg("trunkcastd.service").output();
    let output = output.expect("systemd-analyze runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn systemd_understands_every_line_of_the_unit_and_its_drop_in() {
    if !require("systemd_understands_every_line_of_the_unit", &[SYSTEMD]) {
        return;
    }
    for dropins in [false, true] {
        let root = installed(dropins);
        let (content, said) = analyzed(root.path(), &["verify", "--man=no"]);
        assert!(content && said.trim().is_empty(), "drop-ins: {dropins}\n{said}");
        // It would say so.
        let unit = root.path().join("etc/systemd/system/trunkcastd.service");
        let text = fs::read_to_string(&unit).expect("there").replace("PrivateTmp", "PrivatTmp");
        fs::write(&unit, text).expect("written");
        let (_, said) = analyzed(root.path(), &["verify", "--man=no"]);
        assert!(said.contains("PrivatTmp"), "{said}");
    }
}

#[test]
fn the_unit_gives_the_daemon_little_it_does_not_need() {
    if !require("the_unit_gives_the_daemon_little_it_does_not_need", &[SYSTEMD]) {
        return;
    }
    for dropins in [false, true] {
        let root = installed(dropins);
        let (content, said) = analyzed(root.path(), &["security", "--offline=true", "--threshold", EXPOSURE]);
        let verdict = said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or("no verdict");
        println!("drop-ins {dropins}: {verdict}");
        assert!(content, "{said}");
        let (content, _) = analyzed(root.path(), &["security", "--offline=true", "--threshold", "1"]);
        assert!(!content, "nothing is as safe as that: the threshold does not work");
    }
}
