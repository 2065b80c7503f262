//! Pushing a stream to Icecast servers, from which a delivery network or a customer takes it on.
//!
//! A push is a listener like any other, whose player is a server elsewhere: it fetches the stream from its own
//! port and sends it on. So it begins where a listener begins, gets what a listener gets first, and cannot
//! hold up the stream: should the server be slow it is cut off and connects anew. Each is a thread that ends
//! with the stream. It counts as one listener.
//!
//! Data path: stream port → here → `PUT` to an Icecast server.
//! Time: [`FIRST_PAUSE`] after a failure, doubled up to [`LONGEST_PAUSE`]; a connection that was good begins anew.
//! Source: RFC 9110 clause 10.1.1 (`Expect`), RFC 7617 (Basic); the rest as Icecast 2.4 documents its source protocol.
//! Words: a *mount* is the path under which an Icecast server gives the stream out.

use crate::events::{CastEvent, Reporter};
use crate::format::Format;
use crate::icy;
use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::str::FromStr;
use std::thread;
use std::time::Duration;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long connecting, an answer, or sending what the other side does not take may last.
const PATIENCE: Duration = Duration::from_secs(10);
/// The longest head of an answer.
const HEAD_MOST: usize = 8192;

/// Where to push to: `icecast://USER:PASSWORD@HOST:PORT/MOUNT`, with `{event}` for the event's number. The
/// extension of the mount says the format. Neither `Debug` nor `Display` shows the password.
#[derive(Clone, PartialEq, Eq)]
pub struct PushTarget {
    user: String,
    password: String,
    host: String,
    mount: String,
    format: Format,
}

/// A text that is no target of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadPushTarget(&'static str);

impl fmt::Display for BadPushTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; wanted: icecast://USER:PASSWORD@HOST:PORT/MOUNT.mp3, with {{event}} for the number", self.0)
    }
}

impl std::error::Error for BadPushTarget {}

impl FromStr for PushTarget {
    type Err = BadPushTarget;

    fn from_str(text: &str) -> Result<Self, BadPushTarget> {
        let rest = text.strip_prefix("icecast://").ok_or(BadPushTarget("it does not begin with icecast://"))?;
        if !text.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(BadPushTarget("an address has no spaces or signs beyond ASCII"));
        }
        let (authority, mount) = rest.split_once('/').ok_or(BadPushTarget("there is no mount"))?;
        let (who, host) = authority.rsplit_once('@').ok_or(BadPushTarget("there is no user"))?;
        let (user, password) = who.split_once(':').ok_or(BadPushTarget("there is no password"))?;
        if host.rsplit_once(':').is_none_or(|(name, port)| name.is_empty() || port.parse::<u16>().is_err()) {
            return Err(BadPushTarget("there is no host with a port"));
        }
        let extension = mount.rsplit_once('.').map(|(_, extension)| extension);
        let format = extension.and_then(Format::of_extension);
        let format = format.filter(|format| matches!(format, Format::Mp3 | Format::Ogg | Format::Webm));
        let format = format.ok_or(BadPushTarget("a mount ends in .mp3, .ogg or .webm"))?;
        let [user, password, host] = [user, password, host].map(str::to_owned);
        Ok(PushTarget { user, password, host, mount: format!("/{mount}"), format })
    }
}

impl fmt::Display for PushTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "icecast://{}{}", self.host, self.mount)
    }
}

impl fmt::Debug for PushTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One stream on its way to one server.
pub(crate) struct Push {
    pub(crate) target: PushTarget,
    /// The stream's port, as it is reached from here.
    pub(crate) from: SocketAddr,
    pub(crate) event: String,
    pub(crate) title: String,
    pub(crate) report: Reporter,
}

/// How one connection ended.
enum Ended {
    /// With the stream.
    Stream,
    /// Before it: why, and whether sound had gone out.
    Early(io::Error, bool),
}

impl Push {
    /// Begins, in a thread of its own; false if there is none to be had.
    pub(crate) fn begin(self) -> bool {
        thread::Builder::new().name("push".to_owned()).spawn(move || self.run()).is_ok()
    }

    fn run(self) {
        let mut pause = FIRST_PAUSE;
        loop {
            match self.connect() {
                Ended::Stream => {
                    let (event, target) = (self.event.clone(), self.target.to_string());
                    return self.report.say(CastEvent::PushStopped { port: self.from.port(), event, target });
                }
                Ended::Early(error, heard) => {
                    pause = if heard { FIRST_PAUSE } else { pause };
                    self.report.say(CastEvent::PushFailed {
                        port: self.from.port(),
                        event: self.event.clone(),
                        target: self.target.to_string(),
                        error: error.to_string(),
                        retry_in: pause,
                    });
                    thread::sleep(pause);
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    fn connect(&self) -> Ended {
        let mut heard = false;
        match self.pass_on(&mut heard) {
            Ok(()) => Ended::Stream,
            Err(error) => Ended::Early(error, heard),
        }
    }

    /// Until the stream ends.
    fn pass_on(&self, heard: &mut bool) -> io::Result<()> {
        // The stream first: if it is over, or the port has gone, there is nothing to push.
        let Ok(mut stream) = TcpStream::connect_timeout(&self.from, PATIENCE) else { return Ok(()) };
        stream.set_read_timeout(Some(PATIENCE))?;
        let extension = self.target.format.extension();
        write!(stream, "GET /{}.{extension} HTTP/1.0\r\nUser-Agent: Trunkcast\r\n\r\n", self.event)?;
        let (status, mut rest) = head(&mut stream)?;
        match status {
            200 => {}
            404 | 410 => return Ok(()),
            other => return Err(io::Error::other(format!("the stream port answers {other}"))),
        }
        let mut server = self.offer()?;
        *heard = true;
        self.report.say(CastEvent::PushStarted {
            port: self.from.port(),
            event: self.event.clone(),
            target: self.target.to_string(),
        });
        let mut octets = [0; 4096];
        loop {
            server.write_all(&rest)?;
            match stream.read(&mut octets) {
                // The end in order is the stream's. One that was cut off ends with a reset.
                Ok(0) => return Ok(()),
                Ok(count) => rest = octets[..count].to_vec(),
                Err(e) if e.kind() == ErrorKind::Interrupted => rest.clear(),
                Err(e) => return Err(io::Error::new(e.kind(), format!("the stream was lost: {e}"))),
            }
        }
    }

    /// A connection that the server has accepted as a source.
    fn offer(&self) -> io::Result<TcpStream> {
        let PushTarget { user, password, host, mount, format } = &self.target;
        let mut last = io::Error::new(ErrorKind::NotFound, format!("{host} has no address"));
        let mut connected = None;
        for address in host.to_socket_addrs()? {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(socket) => {
                    connected = Some(socket);
                    break;
                }
                Err(error) => last = error,
            }
        }
        let mut server = connected.ok_or(last)?;
        server.set_read_timeout(Some(PATIENCE))?;
        server.set_write_timeout(Some(PATIENCE))?;
        server.set_nodelay(true)?;
        let mount = mount.replace("{event}", &self.event);
        let (kind, rate) = (format.content_type(), format.kbit_s());
        let title = icy::printable(if self.title.is_empty() { &self.event } else { &self.title });
        let credentials = base64(format!("{user}:{password}").as_bytes());
        write!(
            server,
            "PUT {mount} HTTP/1.1\r\n\
             Host: {host}\r\n\
             Authorization: Basic {credentials}\r\n\
             User-Agent: Trunkcast\r\n\
             Content-Type: {kind}\r\n\
             Ice-Public: 0\r\n\
             Ice-Name: {title}\r\n\
             Ice-Bitrate: {rate}\r\n\
             Expect: 100-continue\r\n\r\n"
        )?;
        match head(&mut server)? {
            (100 | 200, _) => Ok(server),
            (401, _) => {
                Err(io::Error::new(ErrorKind::PermissionDenied, "the server does not accept user and password"))
            }
            (403, _) => Err(io::Error::new(ErrorKind::PermissionDenied, "the server refuses: is the mount in use?")),
            (other, _) => Err(io::Error::other(format!("the server answers {other}"))),
        }
    }
}

/// The status of an answer, and what came after its head.
fn head(socket: &mut TcpStream) -> io::Result<(u16, Vec<u8>)> {
    let mut all = Vec::new();
    let mut octets = [0; 1024];
    loop {
        let count = socket.read(&mut octets)?;
        if count == 0 || all.len() > HEAD_MOST {
            return Err(io::Error::new(ErrorKind::UnexpectedEof, "no answer that is HTTP"));
        }
        all.extend_from_slice(&octets[..count]);
        let Some(end) = all.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let line = String::from_utf8_lossy(&all[..end]).into_owned();
        let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)?.get(..3)?.parse().ok());
        let status = status.ok_or_else(|| io::Error::new(ErrorKind::InvalidData, "no answer that is HTTP"))?;
        return Ok((status, all.split_off(end + 4)));
    }
}

/// RFC 4648, clause 4.
fn base64(octets: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in octets.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, &octet| bits << 8 | u32::from(octet)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 0x3F) as usize];
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_and_does_not_tell_its_password() {
        let target: PushTarget = "icecast://source:hack:me@relay.example.net:8000/live/{event}.mp3".parse().unwrap();
        assert_eq!((target.user.as_str(), target.password.as_str()), ("source", "hack:me"));
        assert_eq!((target.host.as_str(), target.format), ("relay.example.net:8000", Format::Mp3));
        assert_eq!(target.to_string(), "icecast://relay.example.net:8000/live/{event}.mp3");
        assert!(!format!("{target:?}").contains("hack"));
        for (text, why) in [
            ("http://a:b@h:1/m.mp3", "it does not begin with icecast://"),
            ("icecast://a:b@h:1", "there is no mount"),
            ("icecast://h:1/m.mp3", "there is no user"),
            ("icecast://a@h:1/m.mp3", "there is no password"),
            ("icecast://a:b@h/m.mp3", "there is no host with a port"),
            ("icecast://a:b@h:99999/m.mp3", "there is no host with a port"),
            ("icecast://a:b@h:1/m", "a mount ends in .mp3, .ogg or .webm"),
            ("icecast://a:b@h:1/m.ulaw", "a mount ends in .mp3, .ogg or .webm"),
            ("icecast://a:b@h:1/m\r\nX: y.mp3", "an address has no spaces or signs beyond ASCII"),
        ] {
            assert_eq!(text.parse::<PushTarget>(), Err(BadPushTarget(why)), "{text}");
        }
    }

    #[test]
    fn credentials_are_written_as_the_standard_does() {
        // RFC 7617, clause 2.
        assert_eq!(base64(b"Aladdin:open sesame"), "QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(base64(b"a"), "YQ==");
        assert_eq!(base64(b"ab"), "YWI=");
    }
}
