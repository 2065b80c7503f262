//! The keeper beside a gateway's directories: killed, without its database, without a mirror; in the end all is
//! there, once.

use event::info::{Request, reserve};
use event::{EventNumber, Keyring};
use records::{Counts, Database};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let place = Place { directory: tempfile::tempdir().expect("a directory") };
        fs::create_dir_all(place.path("state/records")).expect("made");
        fs::create_dir_all(place.path("state/content")).expect("made");
        let text = format!(
            "state_dir = \"{0}/state\"\nserver = \"g1\"\ndatabase = \"sqlite:{0}/disk/records.db\"\n\
             [store]\n[[store.mirrors]]\nname = \"one\"\nat = \"{0}/one\"\n[[store.mirrors]]\nname = \"two\"\nat = \"{0}/two\"\n",
            place.directory.path().display()
        );
        fs::write(place.path("keeper.toml"), text).expect("written");
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn keeper(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkcast-keeper"));
        command.arg("--config").arg(self.path("keeper.toml")).args(arguments);
        command
    }

    fn start(&self) -> Child {
        self.keeper(&[]).stderr(Stdio::null()).spawn().expect("started")
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.keeper(arguments).output().expect("it runs")
    }

    fn reserve(&self, keys: &Keyring, title: &str) -> EventNumber {
        let request = Request { title: title.to_owned(), created_ms: 1_795_184_325_123, ..Request::default() };
        reserve(&self.path("state/content"), keys, request).expect("reserved").number
    }
}

fn stop(mut keeper: Child) {
    keeper.kill().expect("killed");
    keeper.wait().expect("gone");
}

async fn until(what: &str, reached: impl AsyncFn() -> bool) {
    for _ in 0..1200 {
        if reached().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never came to that: {what}");
}

#[tokio::test]
async fn what_a_gateway_wrote_is_in_the_database_once_and_on_every_mirror() {
    let place = Place::new();
    let keys = Keyring::random();
    fs::create_dir(place.path("one")).expect("made");
    // Neither the database's disk is there nor the second mirror.
    let keeper = place.start();
    let first = place.reserve(&keys, "First");
    let event_dir = |mirror: &str, event: EventNumber| place.path(mirror).join("events").join(event.to_string());
    let recording = place.path("state/content/events").join(first.to_string()).join("x.mp3");
    fs::write(&recording, vec![9; 100_000]).expect("written");
    until("on the first mirror", async || event_dir("one", first).join(".sums/x.mp3.json").exists()).await;
    stop(keeper);
    // The gateway goes on without it.
    let second = place.reserve(&keys, "Second");
    let call = |n: u64| {
        format!(
            "{{\"server\":\"g1\",\"call\":{n},\"setup_ms\":{},\"event\":\"{first}\",\"joined_ms\":5,\"seconds\":60}}\n",
            n + 1
        )
    };
    let calls: String = (0..1000).map(call).collect();
    fs::write(place.path("state/records/calls-2026-11-21.jsonl"), &calls).expect("written");
    let ended = format!("{{\"at_ms\":9,\"event\":\"{first}\",\"what\":\"ended\",\"by\":\"host\"}}\n");
    fs::write(place.path("state/events.jsonl"), ended).expect("written");
    let keeper = place.start();
    fs::create_dir(place.path("disk")).expect("the database's disk is back");
    fs::create_dir(place.path("two")).expect("the second mirror is back");
    let database = Database::open(&format!("sqlite:{}", place.path("disk/records.db").display())).expect("an address");
    let counts = Counts { events: 2, open: 1, calls: 1000, happenings: 1, listeners: 0 };
    until("in the database", async || database.counts().await.is_ok_and(|found| found == counts)).await;
    until("on the second mirror", async || same(&event_dir("one", first), &event_dir("two", first))).await;
    until("on the second mirror", async || same(&event_dir("one", second), &event_dir("two", second))).await;
    stop(keeper);
    let keeper = place.start();
    fs::write(place.path("state/records/calls-2026-11-21.jsonl"), calls + &call(1000)).expect("one more");
    let counts = Counts { calls: 1001, ..counts };
    until("and one more", async || database.counts().await.is_ok_and(|found| found == counts)).await;
    stop(keeper);

    let report = place.run(&["report", &first.to_string()]);
    let text = String::from_utf8(report.stdout).expect("text");
    assert!(text.contains("\"title\": \"First\"") && text.contains("\"call_seconds\": 60060"), "{text}");
    let csv = place.run(&["report", "--csv", &first.to_string()]);
    assert_eq!(String::from_utf8(csv.stdout).expect("text").lines().count(), 1002);
    // A copy that went bad is found and mended.
    fs::write(event_dir("two", first).join("x.mp3"), vec![8; 50_000]).expect("spoilt");
    fs::File::options()
        .write(true)
        .open(event_dir("two", first).join("x.mp3"))
        .and_then(|file| file.set_modified(std::time::SystemTime::UNIX_EPOCH))
        .expect("its time stays");
    let check = place.run(&["check"]);
    assert!(check.status.success(), "{check:?}");
    assert_eq!(String::from_utf8(check.stdout).expect("text"), "1 copies made, 0 files lost, 0 failures\n");
    assert!(place.run(&["remove", &first.to_string()]).status.success());
    assert!(
        !event_dir("one", first).exists() && !event_dir("two", first).exists() && event_dir("one", second).exists()
    );
}

fn same(one: &Path, other: &Path) -> bool {
    let read = |directory: &Path| {
        let mut files: Vec<_> = fs::read_dir(directory)
            .into_iter()
            .flatten()
            .flatten()
            // What was half written when the keeper was killed has a name with a `#`, which nobody reads.
            .filter(|entry| entry.path().is_file() && !entry.file_name().to_string_lossy().contains('#'))
            .map(|entry| (entry.file_name(), fs::read(entry.path()).unwrap_or_default()))
            .collect();
        files.sort();
        files
    };
    !read(one).is_empty() && read(one) == read(other)
}
