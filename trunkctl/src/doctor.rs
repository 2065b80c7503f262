//! `trunkctl doctor`: what is wrong, here and in the daemon, and what to do about it.
//!
//! The daemon finds most of it. What it cannot is found here: that it does not run or cannot be reached, that it is of
//! another version than this tool, and the clock of the machine, which the two share.

use crate::args;
use crate::failure::Failure;
use crate::output::Output;
use crate::show;
use control::{Client, ClientError, Finding, Severity};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Look at everything that can be looked at.
pub fn examine(socket: Option<&Path>, wish: &args::Doctor, output: Output) -> Result<(), Failure> {
    let mut findings = match Client::find(socket) {
        Ok(mut client) => running(&mut client),
        Err(error) => absent(&error, wish.config.as_deref()),
    };
    findings.extend(clock(&timedatectl()));
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    output.answer(&findings, || show::findings(&findings))?;
    if findings.iter().any(|finding| finding.severity > Severity::Info) { Err(Failure::Unwell) } else { Ok(()) }
}

/// What a daemon says of itself.
fn running(client: &mut Client) -> Vec<Finding> {
    let mut findings = client.doctor().unwrap_or_else(|error| {
        let text = format!("it does not say how it is: {}", Failure::from(error));
        vec![Finding::new(Severity::Major, "daemon", text, "see its log; restart it when no calls are lost by that")]
    });
    if let Ok(status) = client.status() {
        let own = env!("CARGO_PKG_VERSION");
        if status.version != own {
            let text = format!("the daemon is version {} and this trunkctl {own}", status.version);
            findings.push(Finding::new(
                Severity::Warning,
                "version",
                text,
                "restart the daemon, or use its own trunkctl",
            ));
        }
    }
    findings
}

/// Why no daemon answers.
fn absent(error: &ClientError, config: Option<&Path>) -> Vec<Finding> {
    let ClientError::NoDaemon { tried } = error else {
        return vec![Finding::new(Severity::Critical, "daemon", error.to_string(), "see its log")];
    };
    // Where nothing is, nothing is wrong, unless nothing is anywhere.
    let there: Vec<_> = tried.iter().filter(|t| t.why != "not there").collect();
    let mut findings: Vec<Finding> = there
        .iter()
        .map(|tried| {
            let remedy = match &tried.why {
                why if why.contains("may not") || why.contains("belongs to") => {
                    "run trunkctl as the daemon's user: sudo -u trunkcast trunkctl doctor"
                }
                why if why.contains("left behind") => {
                    "the daemon is gone: `systemctl status trunkcastd` and its log say why"
                }
                _ => "name the daemon's socket with --socket",
            };
            Finding::new(Severity::Critical, "daemon", format!("{}: {}", tried.path.display(), tried.why), remedy)
        })
        .collect();
    if findings.is_empty() {
        let remedy = "`systemctl start trunkcastd`, or name its socket with --socket";
        let remedy = match config {
            Some(_) => remedy.to_owned(),
            None => format!("{remedy}; `trunkctl doctor --config FILE` says what keeps it from starting"),
        };
        findings.push(Finding::new(Severity::Critical, "daemon", "no daemon runs", remedy));
    }
    findings.extend(config.map(|file| checked(&program(), file)).unwrap_or_default());
    findings
}

/// The daemon's program: beside this one, else wherever the shell finds it.
fn program() -> PathBuf {
    let beside = std::env::current_exe().ok().map(|own| own.with_file_name("trunkcastd"));
    beside.filter(|program| program.exists()).unwrap_or_else(|| "trunkcastd".into())
}

/// What the daemon's own check says of a configuration.
fn checked(program: &Path, file: &Path) -> Vec<Finding> {
    let answer = match Command::new(program).arg("--check-config").arg(file).output() {
        Ok(answer) => answer,
        Err(error) => {
            let text = format!("{} cannot be run to check {}: {error}", program.display(), file.display());
            return vec![Finding::new(Severity::Major, "daemon", text, "install trunkcastd beside trunkctl")];
        }
    };
    let (told, complaint) = (String::from_utf8_lossy(&answer.stdout), String::from_utf8_lossy(&answer.stderr));
    let mut findings: Vec<Finding> = told
        .lines()
        .filter_map(|line| line.split_once(": warning: "))
        .map(|(_, text)| Finding::new(Severity::Warning, "configuration", text, "change the configuration"))
        .collect();
    if !answer.status.success() {
        let what = complaint.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
        let what = what.trim_start_matches("trunkcastd: ");
        findings.push(Finding::new(
            Severity::Critical,
            "configuration",
            what,
            "put it right: it keeps the daemon from starting",
        ));
    }
    findings
}

/// Whether the clock is synchronised, as systemd knows from the kernel; nothing where there is no systemd.
fn timedatectl() -> Option<String> {
    let asked = Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]).output().ok()?;
    asked.status.success().then(|| String::from_utf8_lossy(&asked.stdout).trim().to_owned())
}

fn clock(synchronised: &Option<String>) -> Option<Finding> {
    let (severity, text) = match synchronised.as_deref() {
        Some("yes") => return None,
        Some("no") => (Severity::Warning, "the clock of this machine is not synchronised"),
        _ => (Severity::Info, "nobody here can say whether the clock is synchronised (timedatectl does not answer)"),
    };
    let remedy =
        "run chrony, ntpd or systemd-timesyncd: records and traces are compared with the carrier's by their time";
    Some(Finding::new(severity, "clock", text, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use control::Tried;

    fn severities(findings: &[Finding]) -> Vec<Severity> {
        findings.iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn a_daemon_that_cannot_be_reached_is_told_apart_from_one_that_does_not_run() {
        let tried = |why: &[&str]| ClientError::NoDaemon {
            tried: why.iter().map(|why| Tried { path: "/s".into(), why: (*why).into() }).collect(),
        };
        let told = |why: &[&str]| {
            let findings = absent(&tried(why), None);
            assert_eq!(severities(&findings), [Severity::Critical], "{findings:?}");
            findings[0].remedy.clone()
        };
        let nowhere = told(&["not there", "not there"]);
        assert!(nowhere.contains("systemctl start") && nowhere.contains("doctor --config FILE"), "{nowhere}");
        let checked = absent(&tried(&["not there"]), Some(Path::new("/nowhere/trunkcastd.toml")));
        assert!(
            checked[0].remedy.contains("systemctl start") && !checked[0].remedy.contains("--config"),
            "{checked:?}"
        );
        assert!(told(&["not there", "left behind by a daemon that is gone"]).contains("log"));
        assert!(told(&["you may not use it: run trunkctl as the user of the daemon"]).contains("sudo -u"));
    }

    #[test]
    fn what_the_daemon_s_own_check_says_is_handed_on() {
        let directory = tempfile::tempdir().expect("a directory");
        let program = directory.path().join("check");
        let says = |script: &str| {
            // Written under another name, so that no other thread's child holds it open for writing while it is run.
            let fresh = directory.path().join("fresh");
            std::fs::write(&fresh, script).expect("written");
            let made = Command::new("install").args(["-m", "755"]).args([&fresh, &program]).status();
            assert!(made.expect("coreutils").success());
            checked(&program, Path::new("x.toml"))
        };
        let findings = says("#!/bin/sh\necho \"$2: warning: few ports\"\necho \"$2: the configuration is valid\"\n");
        assert_eq!(severities(&findings), [Severity::Warning]);
        assert_eq!(findings[0].text, "few ports");
        let findings = says("#!/bin/sh\necho 'trunkcastd: line 2: no' >&2\nexit 1\n");
        assert_eq!(severities(&findings), [Severity::Critical]);
        assert_eq!(findings[0].text, "line 2: no");
        assert_eq!(severities(&checked(Path::new("/nowhere/trunkcastd"), Path::new("x"))), [Severity::Major]);
    }

    #[test]
    fn a_clock_that_runs_free_is_told() {
        assert_eq!(clock(&Some("yes".into())), None);
        assert_eq!(clock(&Some("no".into())).map(|f| f.severity), Some(Severity::Warning));
        assert_eq!(clock(&None).map(|f| f.severity), Some(Severity::Info));
    }
}
