//! Programs made by others, for tests: finding them, compiling them, asking them.
//!
//! A test that needs a package begins with [`require`]: where the package is missing the test says so and is skipped, except
//! under `CI=true`, where it fails. Peers in C are compiled when a test first needs them.
//!
//! Data path: `peers/*.c` → [`compile_peer`] → a program the test starts; a capture → tshark → [`tshark_fields`].
//! Words: peer, a program of others at the far end of an interface of ours.

use std::env;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Something a fresh machine may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Package {
    /// The Debian package that brings it.
    pub name: &'static str,
    /// How to find out whether it is there.
    pub probe: Probe,
}

/// How to find out whether a package is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// This program is on the path.
    Program(&'static str),
    /// The C compiler finds this header.
    Header(&'static str),
    /// This file exists.
    File(&'static str),
}

/// The C compiler that peers are compiled with.
pub const GCC: Package = Package { name: "gcc", probe: Probe::Program("gcc") };
/// An ISDN stack made by others (GPL, version 2: only ever in a process of its own).
pub const LIBPRI: Package = Package { name: "libpri-dev", probe: Probe::Header("libpri.h") };
/// LAPD made by others (GPL, version 2 or later: only ever in a process of its own).
pub const OSMO_ABIS: Package = Package { name: "libosmo-abis-dev", probe: Probe::Header("osmocom/abis/lapd.h") };
/// What [`OSMO_ABIS`] stands on.
pub const OSMO_CORE: Package = Package { name: "libosmocore-dev", probe: Probe::Header("osmocom/gsm/lapd_core.h") };
/// Detectors of tones made by others.
pub const SPANDSP: Package = Package { name: "libspandsp-dev", probe: Probe::Header("spandsp.h") };
/// A dissector of captures.
pub const TSHARK: Package = Package { name: "tshark", probe: Probe::Program("tshark") };

impl Package {
    /// Whether this machine has it.
    #[must_use]
    pub fn is_here(&self) -> bool {
        match self.probe {
            Probe::Program(program) => env::var_os("PATH")
                .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join(program).is_file())),
            Probe::Header(header) => Command::new("gcc")
                .args(["-fsyntax-only", "-include", header, "-x", "c", "/dev/null"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success()),
            Probe::File(file) => Path::new(file).is_file(),
        }
    }
}

/// Whether all the packages are here. If not, says on stderr which one is missing, and the test is to return.
///
/// # Panics
/// Under `CI=true`, when a package is missing: there, a test that is skipped counts as failed.
#[must_use]
pub fn require(test: &str, packages: &[Package]) -> bool {
    let Some(missing) = packages.iter().find(|package| !package.is_here()) else { return true };
    let verdict = format!("SKIPPED {test}: needs Debian package {}", missing.name);
    assert!(env::var("CI").as_deref() != Ok("true"), "{verdict}, and under CI=true nothing may be skipped");
    // Written past the test harness, which keeps the output of tests that pass to itself.
    let _ = writeln!(std::io::stderr(), "{verdict}");
    false
}

/// Compiles `peers/<name>.c` with gcc and these libraries (`"-lpri"`), unless that has been done before, and returns the program.
///
/// The program lies in the build's own folder, under a name that changes with the source, so several tests may ask at once.
///
/// # Panics
/// When gcc is missing or does not accept the source: a test cannot go on without its peer.
#[must_use]
pub fn compile_peer(name: &str, libraries: &[&str]) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(format!("{name}.c"));
    let text = fs::read(&source).unwrap_or_else(|error| panic!("read {}: {error}", source.display()));
    let mut hasher = DefaultHasher::new();
    (&text, libraries).hash(&mut hasher);

    let folder = build_folder();
    fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("create {}: {error}", folder.display()));
    let program = folder.join(format!("{name}-{:016x}", hasher.finish()));
    if program.is_file() {
        return program;
    }
    // Compiled beside its place and moved there, so that nobody sees half of it.
    let draft = tempfile_beside(&program);
    let output = Command::new("gcc")
        .args(["-std=gnu11", "-O1", "-g", "-Wall", "-Wextra", "-o"])
        .arg(&draft)
        .arg(&source)
        .args(libraries)
        .output()
        .unwrap_or_else(|error| panic!("start gcc: {error}"));
    assert!(output.status.success(), "gcc {}:\n{}", source.display(), String::from_utf8_lossy(&output.stderr));
    fs::rename(&draft, &program).unwrap_or_else(|error| panic!("move {}: {error}", program.display()));
    program
}

/// `peers/` in cargo's target folder: beside the folder `deps`, where the running test lies.
fn build_folder() -> PathBuf {
    let test = env::current_exe().expect("a running test has a path");
    let deps = test.parent().expect("a program lies in a folder");
    deps.parent().unwrap_or(deps).join("peers")
}

/// A name nobody else has: process and thread are in it.
fn tempfile_beside(program: &Path) -> PathBuf {
    let mut name = program.as_os_str().to_owned();
    name.push(format!(".{}.{:?}", std::process::id(), std::thread::current().id()));
    PathBuf::from(name)
}

/// The fields tshark finds in the packets of a capture: a row a packet, a column a field. Values that a packet has more than
/// one of are separated by commas; a field that is not there is empty.
///
/// # Panics
/// When tshark cannot be started or cannot read the capture, or knows no such field.
#[must_use]
pub fn tshark_fields(capture: &Path, fields: &[&str]) -> Vec<Vec<String>> {
    let mut arguments = vec!["-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"];
    for field in fields {
        arguments.extend(["-e", field]);
    }
    tshark(capture, &arguments).lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
}

/// Checks that a capture has packets and that tshark finds none of them malformed.
///
/// # Panics
/// When it finds one; what it says of it is printed.
pub fn assert_no_malformed(capture: &Path) {
    let packets = tshark_fields(capture, &["frame.number", "_ws.malformed"]);
    assert!(!packets.is_empty(), "{} has no packets", capture.display());
    if packets.iter().any(|packet| !packet[1].is_empty()) {
        panic!(
            "{} has malformed packets:\n{}",
            capture.display(),
            tshark(capture, &["-Y", "_ws.malformed", "-V", "-x"])
        );
    }
}

fn tshark(capture: &Path, arguments: &[&str]) -> String {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(capture)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap_or_else(|error| panic!("start tshark: {error}"));
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark {}: {words}", capture.display());
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_package_is_noticed() {
        let program = Package { name: "none", probe: Probe::Program("no-such-program-anywhere") };
        let header = Package { name: "none", probe: Probe::Header("no/such/header.h") };
        assert!(!program.is_here());
        assert!(!header.is_here());
        assert!(Package { name: "dash", probe: Probe::Program("sh") }.is_here());
    }
}
