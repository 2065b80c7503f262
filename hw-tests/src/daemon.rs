//! The daemon as a process, with a state directory and ports of its own.
//!
//! Data path: a configuration → `trunkcastd` → its control socket, its streams, its files.
//! Time: the real clock; whoever waits for something says for what and how long at most.

use control::{Client, LinkState};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The program of this name, built in the profile of the test that asks.
///
/// # Panics
/// When it cannot be built.
#[must_use]
pub fn program(name: &str) -> PathBuf {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    let directory = BUILT.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a path");
        // .../target/PROFILE/deps/test-hash
        let directory = test.parent().and_then(Path::parent).expect("in the build's folder").to_owned();
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--quiet", "-p", "trunkcast", "-p", "trunkctl", "-p", "portal"]);
        if directory.ends_with("release") {
            build.arg("--release");
        }
        // What cargo tells a test of its own package would have `ring`, and all that stands on it, built anew for it.
        for (name, _) in std::env::vars_os() {
            if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|one| name.to_string_lossy().starts_with(one)) {
                build.env_remove(name);
            }
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("in the workspace");
        assert!(build.current_dir(root).status().expect("cargo runs").success(), "the daemon does not build");
        directory
    });
    directory.join(name)
}

/// So many ports in a row that nobody uses.
///
/// # Panics
/// When there are none.
#[must_use]
pub fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Tests of one program run at once, and so may two programs: begin somewhere else each time.
    let start = 20_000 + (std::process::id() % 300) as u16 * 100;
    for _ in 0..300 {
        let first = start.wrapping_add(NEXT.fetch_add(count, Ordering::Relaxed)).clamp(20_000, 60_000);
        let free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if (first..first + count).all(free) {
            return first;
        }
    }
    panic!("no {count} free ports in a row");
}

/// A daemon under test.
pub struct Daemon {
    child: Option<Child>,
    directory: TempDir,
    environment: Vec<(String, String)>,
    /// Its first stream port; it has [`PORTS`] unless it was given others.
    pub port: u16,
}

/// Configuration of a T1 on the software card, with the exchange in software at its far end and service messages.
pub const T1: &str = r#"
[[card]]
board = "loopback"
name = "soft0"
[[card.span]]
line = "T1"
switch = "ni2"
far_end = "exchange"
service_messages = true
"#;
/// The same of an E1 on the card of [`T1`], without service messages.
pub const E1: &str = r#"[[card.span]]
line = "E1"
switch = "euroisdn"
far_end = "exchange"
"#;

/// Stream ports a daemon under test has, unless it was given others.
pub const PORTS: u16 = 4;

impl Daemon {
    /// Start it with this configuration, to which state directory and ports are added: `[server]` and
    /// `[stream]` tables come as the lines to put into them.
    ///
    /// # Panics
    /// When it does not come up within 20 seconds; its log is shown.
    #[must_use]
    pub fn start(server: &str, stream: &str, rest: &str) -> Daemon {
        let mut daemon = Daemon::prepare(server, stream, rest);
        daemon.run();
        daemon
    }

    /// The same without starting it.
    ///
    /// # Panics
    /// When the files cannot be written.
    #[must_use]
    pub fn prepare(server: &str, stream: &str, rest: &str) -> Daemon {
        Daemon::prepare_with_ports(PORTS, server, stream, rest)
    }

    /// The same with so many stream ports.
    ///
    /// # Panics
    /// When the files cannot be written.
    #[must_use]
    pub fn prepare_with_ports(ports: u16, server: &str, stream: &str, rest: &str) -> Daemon {
        let directory = TempDir::new().expect("a directory");
        let port = free_ports(ports);
        let state = directory.path().join("state");
        let configuration = format!(
            "[server]\nname = \"test\"\nstate_dir = {state:?}\n{server}\n[stream]\nports = \"{port}-{}\"\n{stream}\n{rest}\n",
            port + ports - 1
        );
        fs::write(directory.path().join("trunkcastd.toml"), configuration).expect("written");
        Daemon { child: None, directory, environment: Vec::new(), port }
    }

    /// Have a variable in its environment when it is started.
    pub fn environment(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// Start it (again), with the exchange in software or one that is there already.
    ///
    /// # Panics
    /// When it does not come up within 20 seconds.
    pub fn run(&mut self) {
        self.launch();
        self.wait_for("the D channel", Duration::from_secs(20), |client| {
            let spans = client.spans().ok()?;
            // Of spans that share a D channel: up where one is, and a backup that stands by.
            let up = [LinkState::Up, LinkState::Active, LinkState::Standby, LinkState::Shared];
            spans.iter().all(|s| up.contains(&s.link)).then_some(())
        });
    }

    /// Start it (again) with nobody at the far end yet.
    ///
    /// # Panics
    /// When it does not answer on its control socket within 20 seconds.
    pub fn launch(&mut self) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_file()).expect("a log");
        let child = Command::new(program("trunkcastd"))
            .arg("--config")
            .arg(self.directory.path().join("trunkcastd.toml"))
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a descriptor"))
            .stderr(log)
            .spawn()
            .expect("the daemon starts");
        self.child = Some(child);
        self.wait_for("its control socket", Duration::from_secs(20), |client| client.status().ok());
    }

    /// Its process id.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Everything it keeps.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// A place for files of the test.
    #[must_use]
    pub fn file(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Its control socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.state().join("control.sock")
    }

    fn log_file(&self) -> PathBuf {
        self.directory.path().join("log")
    }

    /// What it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_file()).unwrap_or_default()
    }

    /// A connection to it.
    ///
    /// # Panics
    /// When it does not answer.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::connect(&self.socket()).unwrap_or_else(|e| panic!("{e}\n{}", self.log()))
    }

    /// Ask until there is an answer.
    ///
    /// # Panics
    /// When there is none in time; the daemon's log is shown.
    pub fn wait_for<T>(&self, what: &str, at_most: Duration, mut ask: impl FnMut(&mut Client) -> Option<T>) -> T {
        let deadline = Instant::now() + at_most;
        loop {
            if let Ok(mut client) = Client::connect(&self.socket())
                && let Some(answer) = ask(&mut client)
            {
                return answer;
            }
            assert!(Instant::now() < deadline, "waited {at_most:?} in vain for {what}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// End it politely; how it ended.
    ///
    /// # Panics
    /// When it does not end within 20 seconds.
    pub fn terminate(&mut self) -> ExitStatus {
        let pid = nix::unistd::Pid::from_raw(self.pid().cast_signed());
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("it runs");
        self.ended()
    }

    /// How it ended, once it has.
    ///
    /// # Panics
    /// When it does not end within 20 seconds.
    pub fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().expect("it was started");
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            if let Some(status) = child.try_wait().expect("ours") {
                return status;
            }
            assert!(Instant::now() < deadline, "it does not end\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kill it in the middle of whatever it does.
    ///
    /// # Panics
    /// When it does not run.
    pub fn kill(&mut self) {
        let mut child = self.child.take().expect("it runs");
        child.kill().expect("ours");
        child.wait().expect("ours");
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It is going away in any case.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
