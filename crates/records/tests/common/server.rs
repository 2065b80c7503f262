//! A PostgreSQL server for one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A server of our own, on a socket in a directory of our own.
pub struct Server {
    programs: PathBuf,
    directory: tempfile::TempDir,
}

impl Server {
    /// None where PostgreSQL is not installed, and then it is said so.
    pub fn prepare() -> Option<Server> {
        let installed =
            fs::read_dir("/usr/lib/postgresql").into_iter().flatten().filter_map(|e| Some(e.ok()?.path().join("bin")));
        let Some(programs) = installed.filter(|bin| bin.join("initdb").exists()).max() else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "under CI=true nothing may be skipped");
            eprintln!("SKIPPED: needs the package postgresql");
            return None;
        };
        let directory = tempfile::tempdir().expect("a directory");
        let server = Server { programs, directory };
        fs::create_dir(server.path("data")).expect("made");
        if is_root() {
            // The server refuses to run as root.
            for name in ["", "data"] {
                let path = server.path(name);
                assert!(Command::new("chown").arg("postgres").arg(path).status().expect("chown runs").success());
            }
        }
        let data = server.path("data");
        server.run("initdb", &["-D", text(&data), "-A", "trust", "-U", "postgres", "-N"]);
        server.start();
        server.run("createdb", &["-h", text(&server.path("")), "-U", "postgres", "records"]);
        Some(server)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        let ran =
            command.args(arguments).current_dir(self.path("")).stdin(Stdio::null()).stdout(Stdio::null()).status();
        assert!(ran.expect("it runs").success(), "{command:?}");
    }

    pub fn start(&self) {
        let (data, log) = (self.path("data"), self.path("log"));
        let options = format!("-c listen_addresses= -c unix_socket_directories={}", self.path("").display());
        self.run("pg_ctl", &["-D", text(&data), "-l", text(&log), "-o", &options, "-w", "start"]);
    }

    /// As if its machine had lost power.
    pub fn kill(&self) {
        self.run("pg_ctl", &["-D", text(&self.path("data")), "-m", "immediate", "-w", "stop"]);
    }

    pub fn address(&self) -> String {
        let directory = self.path("").display().to_string().trim_end_matches('/').replace('/', "%2F");
        format!("postgres://postgres@{directory}/records")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.path("data");
        if data.join("postmaster.pid").exists() {
            self.kill();
        }
    }
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}
