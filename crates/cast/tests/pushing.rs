//! A stream pushed to Icecast servers: a real one that goes away and comes back, and one that refuses.

mod common;

use cast::CastEvent;
use common::{Client, FRAME, PATIENCE, Station, assert_frames, station, status, until};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Kills what it holds when the test ends, however it ends.
struct Icecast {
    command: Command,
    child: Child,
}

impl Icecast {
    /// Icecast 2.4.4 breaks off now and then (SIGSEGV) when somebody comes while it starts: start it again then.
    fn keep_up(&mut self) {
        if self.child.try_wait().unwrap().is_some() {
            self.child = self.command.spawn().unwrap();
        }
    }

    /// Waits until the station's stream has come to it.
    fn welcome(&mut self, station: &Station) -> CastEvent {
        let mut welcome = None;
        until("a push begins", || {
            self.keep_up();
            welcome = station.events.try_iter().find(|e| matches!(e, CastEvent::PushStarted { .. }));
            welcome.is_some()
        });
        welcome.unwrap()
    }
}

impl Drop for Icecast {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Starts an Icecast on this port, if it is installed, and waits until it answers.
fn icecast(directory: &Path, port: u16) -> Option<Icecast> {
    let found = ["/usr/bin/icecast2", "/usr/local/bin/icecast"].into_iter().find(|program| Path::new(program).exists());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "CI has to have icecast2");
    let file = directory.join("icecast.xml");
    let text = format!(
        "<icecast><location>here</location><admin>nobody@localhost</admin>\
         <limits><clients>20</clients><sources>5</sources><burst-on-connect>0</burst-on-connect></limits>\
         <authentication><source-password>hackme</source-password><admin-user>admin</admin-user>\
         <admin-password>hackme</admin-password></authentication><hostname>localhost</hostname>\
         <listen-socket><port>{port}</port><bind-address>127.0.0.1</bind-address></listen-socket>\
         <paths><logdir>{0}</logdir><webroot>/usr/share/icecast2/web</webroot>\
         <adminroot>/usr/share/icecast2/admin</adminroot></paths>\
         <logging><accesslog>-</accesslog><errorlog>-</errorlog></logging></icecast>",
        directory.display()
    );
    std::fs::write(&file, text).unwrap();
    // It refuses to work for root.
    let nobody: &[&str] = if nix::unistd::getuid().is_root() {
        &["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    } else {
        &["env"]
    };
    let mut command = Command::new(nobody[0]);
    command.args(&nobody[1..]).args([found?, "-c"]).arg(&file);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let mut server = Icecast { command, child };
    until("icecast answers", || {
        server.keep_up();
        TcpStream::connect(("127.0.0.1", port)).is_ok()
    });
    Some(server)
}

/// Has a port with a push to a server on this one.
fn pushing(server: u16) -> Station {
    let target = format!("icecast://source:hackme@127.0.0.1:{server}/live/{{event}}.mp3");
    station(1, None, |settings| settings.push = vec![target.parse().unwrap()])
}

#[test]
fn a_server_that_goes_away_gets_the_stream_again_when_it_is_back() {
    let directory = tempfile::tempdir().unwrap();
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(directory.path(), permissions).unwrap();
    let port = free_port();
    let Some(mut server) = icecast(directory.path(), port) else { return };
    let station = pushing(port);
    let (mut voice, statistics) = station.start(station.port, "123", false);
    assert_eq!(
        server.welcome(&station).to_string(),
        format!("event 123 on port {} goes to icecast://127.0.0.1:{port}/live/{{event}}.mp3", station.port)
    );
    let listen = |voice: &mut common::Voice| {
        // The mount is there when its first sound is.
        until("the mount is there", || {
            voice.speak(4);
            status(&common::ask(port, "GET", "/live/123.mp3", "").1) == 200
        });
        let (mut client, head) = common::ask(port, "GET", "/live/123.mp3", "");
        assert_eq!(status(&head), 200);
        assert!(head.to_lowercase().contains("content-type: audio/mpeg"), "{head}");
        assert!(head.contains("Annual meeting"), "{head}");
        voice.speak(200);
        assert_sound(&mut client);
    };
    listen(&mut voice);
    assert_eq!(statistics.read().listeners, 1, "the push is a listener");

    drop(server);
    until("the push has noticed", || {
        voice.speak(20);
        station.events.try_iter().any(|e| matches!(e, CastEvent::PushFailed { .. }))
    });
    let mut server = icecast(directory.path(), port).unwrap();
    server.welcome(&station);
    listen(&mut voice);
    station.caster.stop(station.port).unwrap();
    station.wait(|e| matches!(e, CastEvent::PushStopped { .. }));
    until("the mount is gone", || status(&common::ask(port, "GET", "/live/123.mp3", "").1) == 404);
}

/// A hundred whole frames, from wherever the server began to send.
fn assert_sound(client: &mut Client) {
    let octets = client.take(102 * FRAME);
    let header = |at: usize| octets[at..at + 2] == [0xFF, 0xF3] && octets[at + FRAME..at + FRAME + 2] == [0xFF, 0xF3];
    let begin = (0..FRAME).find(|&at| header(at)).expect("a frame begins somewhere");
    assert_frames(&octets[begin..begin + 100 * FRAME]);
}

#[test]
fn a_server_that_refuses_is_told_and_tried_again_and_the_stream_does_not_mind() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let station = pushing(listener.local_addr().unwrap().port());
    let (mut voice, statistics) = station.start(station.port, "123", false);
    voice.speak(50);
    let (mut socket, _) = listener.accept().unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        socket.read_exact(&mut octet).unwrap();
        head.push(octet[0]);
    }
    let head = String::from_utf8(head).unwrap();
    for line in [
        "PUT /live/123.mp3 HTTP/1.1\r\n",
        "\r\nAuthorization: Basic c291cmNlOmhhY2ttZQ==\r\n",
        "\r\nContent-Type: audio/mpeg\r\n",
        "\r\nIce-Name: Annual meeting\r\n",
        "\r\nExpect: 100-continue\r\n",
    ] {
        assert!(head.contains(line), "{head}");
    }
    socket.write_all(b"HTTP/1.0 401 Authentication Required\r\n\r\n").unwrap();
    let failed = station.wait(|e| matches!(e, CastEvent::PushFailed { .. }));
    let CastEvent::PushFailed { error, retry_in, target, .. } = &failed else { panic!("{failed}") };
    assert_eq!(error, "the server does not accept user and password");
    assert_eq!(*retry_in, Duration::from_secs(1));
    assert!(failed.is_trouble() && !target.contains("hackme") && !failed.to_string().contains("hackme"));
    // It comes again.
    let (socket, _) = listener.accept().unwrap();
    drop(socket);
    let failed = station.wait(|e| matches!(e, CastEvent::PushFailed { .. }));
    assert!(matches!(failed, CastEvent::PushFailed { retry_in, .. } if retry_in == Duration::from_secs(2)));
    voice.speak(50);
    until("the stream goes on", || statistics.read().frames == 100);
}
