//! The systemd units, read by systemd itself: nothing in them that it does not understand, and little that it would rather not see.

use hw_tests::peers::{Package, Probe, require};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const SYSTEMD: Package = Package { name: "systemd", probe: Probe::Program("systemd-analyze") };
/// In tenths, as `systemd-analyze security` rates: 0 is a service that can do nothing, 100 one that can do everything.
const EXPOSURE: &str = "20";
const UNITS: &str = "/lib/systemd/system";
/// Our programs with a unit, each without drop-ins and, where there are some, with them.
const OURS: [(&str, bool); 4] =
    [("trunkcastd", false), ("trunkcastd", true), ("trunkcast-portal", false), ("trunkcast-keeper", false)];

/// A root directory with the unit, its drop-ins if they are wanted, the program it starts, and systemd's own targets.
fn installed(program: &str, dropins: bool) -> tempfile::TempDir {
    let unit = format!("{program}.service");
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
    let program = place(&format!("usr/bin/{program}"));
    fs::write(&program, "#!/bin/sh\n").expect("written");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("made executable");
    fs::copy(ours(&unit), place(&format!("etc/systemd/system/{unit}"))).expect("copied");
    if dropins {
        for file in fs::read_dir(ours(&format!("{unit}.d"))).expect("there").map(|file| file.expect("read").path()) {
            let name = file.file_name().expect("a file").to_string_lossy().into_owned();
            fs::copy(&file, place(&format!("etc/systemd/system/{unit}.d/{name}"))).expect("copied");
        }
    }
    root
}

fn ours(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../systemd").join(name)
}

/// Whether `systemd-analyze` is content, and what it said.
fn analyzed(root: &Path, program: &str, arguments: &[&str]) -> (bool, String) {
    let root = format!("--root={}", root.display());
    let output = Command::new("systemd-analyze").args(arguments).arg(root).arg(format!("{program}.service")).output();
    let output = output.expect("systemd-analyze runs");
    let said = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn systemd_understands_every_line_of_the_units_and_their_drop_ins() {
    if !require("systemd_understands_every_line_of_the_units", &[SYSTEMD]) {
        return;
    }
    for (program, dropins) in OURS {
        let root = installed(program, dropins);
        let (content, said) = analyzed(root.path(), program, &["verify", "--man=no"]);
        assert!(content && said.trim().is_empty(), "{program}, drop-ins: {dropins}\n{said}");
        // It would say so.
        let unit = root.path().join(format!("etc/systemd/system/{program}.service"));
        let text = fs::read_to_string(&unit).expect("there").replace("PrivateTmp", "PrivatTmp");
        fs::write(&unit, text).expect("written");
        let (_, said) = analyzed(root.path(), program, &["verify", "--man=no"]);
        assert!(said.contains("PrivatTmp"), "{said}");
    }
}

#[test]
fn the_units_give_their_programs_little_they_do_not_need() {
    if !require("the_units_give_their_programs_little_they_do_not_need", &[SYSTEMD]) {
        return;
    }
    for (program, dropins) in OURS {
        let root = installed(program, dropins);
        let (content, said) = analyzed(root.path(), program, &["security", "--offline=true", "--threshold", EXPOSURE]);
        let verdict = said.lines().find(|line| line.contains("Overall exposure level")).unwrap_or("no verdict");
        println!("{program}, drop-ins {dropins}: {verdict}");
        assert!(content, "{said}");
        let (content, _) = analyzed(root.path(), program, &["security", "--offline=true", "--threshold", "1"]);
        assert!(!content, "nothing is as safe as that: the threshold does not work");
    }
}
