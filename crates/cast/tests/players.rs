//! Every format, fetched by a hundred listeners who come at random moments and by the players people use.
//!
//! The players are run if they are installed; CI installs them. What they decode is looked at as samples: it
//! has to last as long as what they were sent, and to be the tone that was spoken.

mod common;

use cast::{Format, StreamStart};
use common::{Client, Station, get, station, status, until};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What is spoken, in Hz.
const TONE: f64 = 440.0;
/// Samples of twenty seconds.
const TWENTY_S: usize = 160_000;

/// Speaks a tone, as fast as it is taken.
struct Tone {
    ring: rtrb::Producer<i16>,
    spoken: usize,
}

impl Tone {
    fn speak(&mut self, samples: usize) {
        for _ in 0..samples {
            let turn = std::f64::consts::TAU * TONE * self.spoken as f64 / 8000.0;
            self.spoken += 1;
            while self.ring.push((turn.sin() * 9000.0) as i16).is_err() {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }
}

fn on_air(station: &Station, formats: &[Format]) -> (Tone, Arc<cast::Statistics>) {
    let (ring, samples) = rtrb::RingBuffer::new(16_000);
    let start = StreamStart {
        event: "123".to_owned(),
        title: "Annual meeting".to_owned(),
        formats: formats.to_vec(),
        samples,
        started: SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000),
        record: false,
    };
    let statistics = station.caster.start(station.port, start).unwrap();
    (Tone { ring, spoken: 0 }, statistics)
}

/// Everything is kept, so that a player may be as slow as it likes.
fn roomy(formats: &[Format]) -> (Station, Tone, Arc<cast::Statistics>) {
    let station = station(1, None, |settings| settings.backlog_bytes = 4 << 20);
    let (tone, statistics) = on_air(&station, formats);
    (station, tone, statistics)
}

fn is_installed(program: &str) -> bool {
    let found = std::env::var_os("PATH").is_some_and(|p| std::env::split_paths(&p).any(|d| d.join(program).exists()));
    assert!(found || std::env::var_os("CI").is_none(), "CI has to have {program}");
    found
}

/// What a program writes, given these octets to read.
fn run(program: &str, arguments: &[&str], input: &[u8]) -> (bool, Vec<u8>, String) {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut stdin, input) = (child.stdin.take().unwrap(), input.to_vec());
    // A program that has enough closes its end early.
    let feeding = std::thread::spawn(move || drop(stdin.write_all(&input)));
    let output = child.wait_with_output().unwrap();
    feeding.join().unwrap();
    (output.status.success(), output.stdout, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Decodes with ffmpeg to samples at 8 kHz.
fn decode(input: &[&str], octets: &[u8]) -> Vec<i16> {
    let to = ["-f", "s16le", "-ar", "8000", "-ac", "1", "-"];
    let arguments = [&["-hide_banner", "-loglevel", "error"][..], input, &to].concat();
    let (well, pcm, said) = run("ffmpeg", &arguments, octets);
    assert!(well, "ffmpeg {arguments:?}: {said}");
    samples(&pcm)
}

fn samples(pcm: &[u8]) -> Vec<i16> {
    pcm.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])).collect()
}

/// The share of the power that is the tone; its ends, where codecs begin and stop, do not count.
fn purity(pcm: &[i16]) -> f64 {
    let inner = &pcm[pcm.len() / 10..pcm.len() * 9 / 10];
    let turn = std::f64::consts::TAU * TONE / 8000.0;
    let (mut re, mut im, mut power) = (0.0, 0.0, 0.0);
    for (n, &sample) in inner.iter().enumerate() {
        let (sin, cos) = (turn * n as f64).sin_cos();
        let sample = f64::from(sample);
        (re, im, power) = (re + sample * cos, im + sample * sin, power + sample * sample);
    }
    2.0 * (re * re + im * im) / (power * inner.len() as f64)
}

fn assert_tone(what: &str, pcm: &[i16], least_s: f64) {
    let seconds = pcm.len() as f64 / 8000.0;
    assert!(seconds >= least_s, "{what}: {seconds} s of at least {least_s} s");
    assert!(purity(pcm) > 0.9, "{what}: {} of the power is the tone", purity(pcm));
}

/// How ffmpeg is told what comes.
fn demuxer(extension: &str) -> &'static [&'static str] {
    match extension {
        "ulaw" => &["-f", "mulaw", "-ar", "8000", "-ac", "1", "-i", "-"],
        _ => &["-i", "-"],
    }
}

#[test]
fn what_was_not_requested_is_not_offered_and_pcmu_always_is() {
    let station = station(1, None, |_| {});
    let (_tone, _) = on_air(&station, &[Format::Webm]);
    for (path, expected) in [
        ("/123.webm", 200),
        ("/live.webm", 200),
        ("/123.ulaw", 200),
        ("/123.au", 200),
        ("/123.mp3", 404),
        ("/123.ogg", 404),
        ("/123.m3u8", 404),
        ("/124.webm", 404),
    ] {
        let (mut client, head) = common::ask(station.port, "HEAD", path, "");
        assert_eq!(status(&head), expected, "{path}");
        assert!(head.contains("\r\nAccess-Control-Allow-Origin: *\r\n"), "{path}");
        client.rest();
    }
    let (mut client, _) = get(station.port, "/123.mp3");
    assert_eq!(client.rest(), b"Event 123 is cast as .webm, .ulaw.\n");
}

#[test]
fn each_format_is_told_by_its_media_type() {
    let station = station(1, None, |_| {});
    let (mut tone, _) = on_air(&station, &Format::ALL);
    tone.speak(20_000);
    for (extension, kind) in [
        ("mp3", "audio/mpeg"),
        ("ulaw", "audio/basic"),
        ("au", "audio/basic"),
        ("webm", "audio/webm; codecs=\"opus\""),
        ("ogg", "audio/ogg; codecs=opus"),
        ("m3u8", "application/vnd.apple.mpegurl"),
    ] {
        // With the lines of a player that wants titles: only MP3 has them, and only there may octets be put in.
        let path = format!("/123.{extension}");
        until("there is something", || status(&common::ask(station.port, "HEAD", &path, "").1) == 200);
        let (_client, head) = common::ask(station.port, "GET", &path, "Icy-MetaData: 1\r\n");
        assert!(head.contains(&format!("\r\nContent-Type: {kind}\r\n")), "{head}");
        assert_eq!(head.contains("\r\nicy-metaint:"), extension == "mp3", "{head}");
    }
}

/// A hundred listeners, forty moments, all formats: everybody gets something that decodes to the tone, and to
/// its end.
#[test]
fn a_hundred_join_at_random_moments_and_all_decode() {
    let (station, mut tone, statistics) = roomy(&[Format::Mp3, Format::Webm, Format::Ogg]);
    let mut seed = 2_463_534_242u32;
    let mut random = |below: u32| {
        seed ^= seed << 13;
        seed ^= seed >> 17;
        seed ^= seed << 5;
        seed % below
    };
    let extensions = ["mp3", "webm", "ogg", "ulaw", "au"];
    let mut listeners: Vec<(&str, usize, Client)> = Vec::new();
    while listeners.len() < 100 {
        tone.speak(400 + random(6000) as usize);
        for _ in 0..=random(4) {
            let extension = extensions[listeners.len() % extensions.len()];
            let (client, head) = get(station.port, &format!("/123.{extension}"));
            assert_eq!(status(&head), 200);
            listeners.push((extension, tone.spoken, client));
        }
    }
    tone.speak(TWENTY_S / 10);
    until("all is encoded", || statistics.read().frames * 192 + 4000 > tone.spoken as u64);
    station.caster.stop(station.port).unwrap();
    let decodes = is_installed("ffmpeg");
    for (n, (extension, joined, mut client)) in listeners.into_iter().enumerate() {
        let sound = client.rest();
        // What was spoken after they came, at the least: nobody misses a frame.
        let least_s = (tone.spoken - joined) as f64 / 8000.0;
        assert!(sound.len() as f64 > least_s * 1500.0, "{n} {extension}: {} octets", sound.len());
        if decodes {
            let pcm = decode(demuxer(extension), &sound);
            assert_tone(&format!("listener {n}, {extension}"), &pcm, least_s - 0.2);
        }
    }
}

/// Players at work, each in a thread.
#[derive(Default)]
struct Players(Vec<(String, std::thread::JoinHandle<Vec<i16>>)>);

impl Players {
    /// Has a program play an address, if it is installed; what it writes are samples at 8 kHz.
    fn play(&mut self, program: &str, address: &str) {
        if !is_installed(program) {
            return;
        }
        let line = match program {
            "ffmpeg" if address.ends_with(".ulaw") => {
                "ffmpeg -loglevel error -f mulaw -ar 8000 -ac 1 -i URL -f s16le -ar 8000 -ac 1 -"
            }
            "ffmpeg" => "ffmpeg -loglevel error -i URL -f s16le -ar 8000 -ac 1 -",
            "mpg123" if address.contains("/listen.") => "mpg123 -q -s -r 8000 -m -e s16 -@ URL",
            "mpg123" => "mpg123 -q -s -r 8000 -m -e s16 URL",
            "mpv" => {
                "mpv --no-config --really-quiet --no-video --audio-samplerate=8000 --audio-channels=mono \
                 --audio-format=s16 --ao=pcm --ao-pcm-waveheader=no --ao-pcm-file=/dev/stdout URL"
            }
            // It refuses to work for root.
            "cvlc" => {
                "AS_NOBODY cvlc -q --no-video --play-and-exit --sout-keep \
                 --sout #transcode{acodec=s16l,samplerate=8000,channels=1}:std{access=file,mux=raw,dst=-} URL"
            }
            other => panic!("how is {other} called?"),
        };
        let nobody = if nix::unistd::getuid().is_root() {
            "setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent"
        } else {
            "env"
        };
        let line = line.replace("AS_NOBODY", nobody).replace("URL", address);
        let name = format!("{program} {address}");
        let player = std::thread::spawn(move || {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (well, pcm, said) = run(words[0], &words[1..], &[]);
            assert!(well, "{line}: {said}");
            samples(&pcm)
        });
        self.0.push((name, player));
    }

    fn count(&self) -> u64 {
        self.0.len() as u64
    }

    /// Waits for their ends; all must have heard the tone for so long.
    fn assert_tone(self, least_s: f64) {
        for (name, player) in self.0 {
            let pcm = player.join().unwrap_or_else(|_| panic!("{name} failed"));
            assert_tone(&name, &pcm, least_s);
        }
    }
}

#[test]
fn players_decode_twenty_seconds_of_every_stream() {
    let (station, mut tone, statistics) = roomy(&[Format::Mp3, Format::Webm, Format::Ogg]);
    // Somebody who comes late, as most do.
    tone.speak(30_000);
    let mut players = Players::default();
    for (program, extensions) in [
        ("ffmpeg", &["mp3", "webm", "ogg", "au", "ulaw"][..]),
        ("mpg123", &["mp3"]),
        ("mpv", &["mp3", "webm", "ogg", "au"]),
        ("cvlc", &["mp3", "webm", "ogg", "au"]),
    ] {
        for extension in extensions {
            players.play(program, &format!("http://127.0.0.1:{}/123.{extension}", station.port));
        }
    }
    until("all players listen", || statistics.read().listeners >= players.count());
    tone.speak(TWENTY_S);
    station.caster.stop(station.port).unwrap();
    players.assert_tone(19.5);
}

#[test]
fn players_open_every_list() {
    let (station, mut tone, statistics) = roomy(&[Format::Mp3, Format::Ogg]);
    tone.speak(30_000);
    let mut players = Players::default();
    for (program, lists) in [
        ("mpg123", &["listen.m3u", "listen.pls"][..]),
        ("mpv", &["listen.m3u", "listen.pls", "listen.ogg.m3u", "listen"]),
        ("cvlc", &["listen.m3u", "listen.pls", "listen.xspf", "listen.asx"]),
    ] {
        for list in lists {
            players.play(program, &format!("http://127.0.0.1:{}/{list}", station.port));
        }
    }
    until("all players listen", || statistics.read().listeners >= players.count());
    tone.speak(TWENTY_S);
    station.caster.stop(station.port).unwrap();
    players.assert_tone(19.5);
}

/// HLS in pieces, as a client that knows nothing but the playlist fetches it; put together they decode.
#[test]
fn segments_are_fetched_one_by_one_and_never_change() {
    let station = station(1, None, |_| {});
    let (mut tone, statistics) = on_air(&station, &[Format::Hls]);
    let (mut early, head) = get(station.port, "/123.m3u8");
    assert_eq!(status(&head), 503);
    assert!(head.contains("\r\nRetry-After: ") && !early.rest().is_empty());
    tone.speak(90_000);
    let playlist = || {
        let (mut client, head) = get(station.port, "/123.m3u8");
        (head, String::from_utf8(client.rest()).unwrap())
    };
    until("five segments are there", || playlist().1.contains("-4.m4s"));
    let (head, text) = playlist();
    assert!(head.contains("\r\nCache-Control: no-cache\r\n"), "{head}");
    let fetch = |name: &str| {
        let (mut client, head) = get(station.port, &format!("/{name}"));
        assert_eq!(status(&head), 200, "{name}");
        assert!(head.contains("\r\nCache-Control: public, max-age=31536000, immutable\r\n"), "{head}");
        assert!(head.contains("\r\nContent-Type: audio/mp4\r\n"), "{head}");
        client.rest()
    };
    let map = text.lines().find_map(|line| line.strip_prefix("#EXT-X-MAP:URI=\"")).unwrap().trim_end_matches('"');
    let names: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    let mut sound = fetch(map);
    names.iter().for_each(|name| sound.extend(fetch(name)));
    assert_eq!(fetch(names[0]), fetch(names[0]));
    if is_installed("ffmpeg") {
        let pcm = decode(&["-i", "-"], &sound);
        assert_tone("segments put together", &pcm, names.len() as f64 * 2.0 - 0.1);
    }
    // One who fetches each segment is one listener, once the next is there.
    tone.speak(16_000);
    until("the listener is counted", || statistics.listeners_of(Format::Hls) == 1);
    assert_eq!(statistics.read().listeners, 1);

    station.caster.stop(station.port).unwrap();
    until("the playlist says that it ends", || playlist().1.ends_with("#EXT-X-ENDLIST\n"));
    let (head, text) = playlist();
    assert_eq!(status(&head), 200);
    fetch(text.lines().rfind(|line| line.ends_with(".m4s")).unwrap());
    assert_eq!(status(&get(station.port, "/123.ulaw").1), 410);
    assert_eq!(statistics.read().listeners, 0);
    // The next event on the port knows nothing of it.
    station.caster.reserve(station.port, "124").unwrap();
    until("it is another's", || status(&get(station.port, "/123.m3u8").1) == 404);
}

#[test]
fn players_follow_the_playlist_and_the_playlist_of_playlists() {
    let (station, mut tone, _) = roomy(&[Format::Hls]);
    tone.speak(90_000);
    until("a segment is there", || status(&common::ask(station.port, "HEAD", "/123.m3u8", "").1) == 200);
    // The end of the playlist ends the player; all of it is listed.
    station.caster.stop(station.port).unwrap();
    let ended = || get(station.port, "/123.m3u8").0.rest().ends_with(b"#EXT-X-ENDLIST\n");
    until("the playlist ends", ended);
    let mut players = Players::default();
    players.play("ffmpeg", &format!("http://127.0.0.1:{}/123.m3u8", station.port));
    players.play("mpv", &format!("http://127.0.0.1:{}/live.m3u8", station.port));
    players.assert_tone(11.0);
}
