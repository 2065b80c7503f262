//! The same with a mirror that is an S3 bucket: a server that speaks S3, behind a line that can be cut.
//!
//! The server is `moto_server` of the Python package moto, in memory; `.ci/run` installs it below `target/`.

mod common;

use common::{Shelf, event, until};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use store::{MirrorConfig, Store, StoreConfig, StoreError};

const INFO: &str = "event-info.xml";

struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start() -> Option<Server> {
        let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/moto/bin/moto_server");
        let program = if std::path::Path::new(ours).exists() { ours } else { "moto_server" };
        let address = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
        let port = address.port().to_string();
        let started = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "under CI=true nothing may be skipped");
            eprintln!("SKIPPED: needs moto_server, of the Python package moto[server]");
            return None;
        };
        let server = Server { child, address };
        for _ in 0..600 {
            if TcpStream::connect(address).is_ok() {
                server.make_bucket();
                return Some(server);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("moto_server does not answer");
    }

    fn make_bucket(&self) {
        let mut stream = TcpStream::connect(self.address).expect("connected");
        let host = self.address;
        let request = format!(
            "PUT /recordings HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\nConnection: close\r\n\
             Authorization: AWS4-HMAC-SHA256 Credential=key/20261121/us-east-1/s3/aws4_request, \
             SignedHeaders=host, Signature=0\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The line to the server.
struct Line {
    here: SocketAddr,
    there: SocketAddr,
    running: Option<tokio::task::JoinHandle<()>>,
}

impl Line {
    async fn to(there: SocketAddr) -> Line {
        let here = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its number");
        let mut line = Line { here, there, running: None };
        line.mend().await;
        line
    }

    async fn mend(&mut self) {
        let listener = tokio::net::TcpListener::bind(self.here).await.expect("the same port");
        let there = self.there;
        self.running = Some(tokio::spawn(async move {
            let mut calls = tokio::task::JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                calls.spawn(async move {
                    let mut far = tokio::net::TcpStream::connect(there).await?;
                    tokio::io::copy_bidirectional(&mut near, &mut far).await
                });
            }
        }));
    }

    async fn cut(&mut self) {
        let running = self.running.take().expect("it was whole");
        running.abort();
        let _ = running.await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_is_a_mirror_like_any_other() {
    let Some(server) = Server::start() else { return };
    let mut line = Line::to(server.address).await;
    let shelf = Shelf::new(1);
    let keys = shelf.path("keys");
    std::fs::write(&keys, "aws_access_key_id = key\naws_secret_access_key = secret\n").expect("written");
    let bucket = MirrorConfig {
        name: "bucket".to_owned(),
        at: "s3://recordings/a/b".to_owned(),
        endpoint: Some(format!("http://{}", line.here)),
        region: Some("us-east-1".to_owned()),
        credentials: Some(keys),
    };
    let mut config = shelf.config(1);
    config.mirrors.push(bucket.clone());
    let both = Store::open(&StoreConfig { enough: 2, ..config.clone() }, &shelf.path("l1")).expect("opened");
    let vault = Store::open(&StoreConfig { mirrors: vec![bucket], enough: 1 }, &shelf.path("l2")).expect("opened");
    both.put(event(1), INFO, "first").await.expect("written to both");
    assert_eq!(vault.get(event(1), INFO).await.expect("read"), "first");
    // In parts, of which S3 wants them.
    let long: Vec<u8> = (0..20_000_000_u32).map(|n| (n / 7) as u8).collect();
    let recording = shelf.path("recording.mp3");
    std::fs::write(&recording, &long).expect("written");
    both.put_file(event(1), "x.mp3", &recording).await.expect("written to both");
    vault.fetch(event(1), "x.mp3", &shelf.path("fetched")).await.expect("fetched");
    assert_eq!(std::fs::read(shelf.path("fetched")).expect("read"), long);

    line.cut().await;
    assert!(matches!(vault.get(event(1), INFO).await, Err(StoreError::Unavailable { .. })));
    let store = Store::open(&config, &shelf.path("ledger")).expect("opened");
    store.put(event(1), INFO, "second").await.expect("the directory is enough");
    store.put(event(2), INFO, "another").await.expect("the directory is enough");
    store.remove(event(2)).await.expect("removed");
    until("it is noted", async || store.behind().len() == 2).await;
    line.mend().await;
    for event in store.behind() {
        let repaired = store.repair(event).await.expect("repaired");
        assert!(repaired.failures.is_empty(), "{repaired:?}");
    }
    assert!(store.behind().is_empty());
    // Whoever found it away leaves it alone for a while.
    let read = async || vault.get(event(1), INFO).await.ok();
    until("it is read again", async || read().await.is_some()).await;
    assert_eq!(read().await.expect("read"), "second");
    assert_eq!(vault.events().await.expect("listed"), [event(1)]);

    // The directory is lost: it is filled again from the bucket.
    std::fs::remove_dir_all(shelf.path("a")).expect("lost");
    std::fs::create_dir(shelf.path("a")).expect("a new disk");
    store.repair_all(false).await.expect("repaired");
    assert_eq!(std::fs::read(shelf.file("a", event(1), "x.mp3")).expect("there"), long);
    assert_eq!(std::fs::read_to_string(shelf.file("a", event(1), INFO)).expect("there"), "second");
}
