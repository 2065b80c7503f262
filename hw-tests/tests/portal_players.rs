//! Players made by others, given nothing but an attendee link: each list opens, each format is decoded for twenty seconds; and a
//! hundred listeners come at random moments, all of whom hear.
//!
//! What a stream is and how it begins is tried in `crates/cast`; here everything goes through a daemon on the air and the portal.

use control::{DialPlan, Repeat};
use hw_tests::daemon::{Daemon, T1};
use hw_tests::peers::{Package, Probe, require};
use hw_tests::sound::FFMPEG;
use hw_tests::web::Portal;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

const PLAYERS: [Package; 4] = [
    FFMPEG,
    Package { name: "mpg123", probe: Probe::Program("mpg123") },
    Package { name: "mpv", probe: Probe::Program("mpv") },
    Package { name: "vlc-bin", probe: Probe::Program("cvlc") },
];
/// What each decodes.
const SECONDS: f64 = 20.0;
const FORMATS: &str = "formats = [\"mp3\", \"webm\", \"ogg\", \"hls\"]";
const GENEROUS: &str = "open = true\n[limits]\nrequests = 2000000";

/// An event on the air.
struct OnAir {
    number: String,
    host_pin: String,
    link: String,
}

fn on_the_air(daemon: &Daemon, portal: &Portal) -> OnAir {
    let json = ["Content-Type: application/json"];
    let event = portal.ask("POST", "/api/v1/events", &json, r#"{"title":"In every player"}"#).json();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let on_air =
        OnAir { number: text(&event["number"]), host_pin: text(&event["pins"]["host"]), link: text(&event["link"]) };
    let speech = std::path::absolute("../assets/speech/a1.wav").expect("a path");
    let plan = DialPlan {
        event: Some(on_air.number.clone()),
        pin: Some(on_air.host_pin.clone()),
        wav: speech.to_str().map(str::to_owned),
        repeat: Repeat::Forever,
        ..DialPlan::default()
    };
    daemon.client().exchange_dial(plan).expect("dialled");
    daemon.wait_for("the first segment", Duration::from_secs(60), |_| {
        (portal.ask("GET", &format!("{}live.m3u8", on_air.link), &[], "").status == 200).then_some(())
    });
    on_air
}

/// How a player is called that writes samples at 8 kHz to its output.
fn command(player: &str, address: &str) -> Command {
    let line = match player {
        "ffmpeg" if address.ends_with(".ulaw") => {
            "ffmpeg -loglevel error -f mulaw -ar 8000 -ac 1 -i URL -f s16le -ar 8000 -ac 1 -"
        }
        "ffmpeg" => "ffmpeg -loglevel error -i URL -f s16le -ar 8000 -ac 1 -",
        "mpg123" if address.contains("/listen") => "mpg123 -q -s -r 8000 -m -e s16 -@ URL",
        "mpg123" => "mpg123 -q -s -r 8000 -m -e s16 URL",
        "mpv" => {
            "mpv --no-config --really-quiet --no-video --audio-samplerate=8000 --audio-channels=mono \
             --audio-format=s16 --ao=pcm --ao-pcm-waveheader=no --ao-pcm-file=/dev/stdout URL"
        }
        "cvlc" => {
            "AS_NOBODY cvlc -q --no-video --play-and-exit --sout-keep \
             --sout #transcode{acodec=s16l,samplerate=8000,channels=1}:std{access=file,mux=raw,dst=-} URL"
        }
        other => panic!("how is {other} called?"),
    };
    // VLC refuses to work for root.
    let nobody = if nix::unistd::getuid().is_root() {
        "setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/nonexistent"
    } else {
        "env"
    };
    let line = line.replace("AS_NOBODY", nobody).replace("URL", address);
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().expect("a program"));
    command.args(words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn loudest(pcm: &[u8]) -> i16 {
    pcm.chunks_exact(2).map(|b| i16::from_le_bytes([b[0], b[1]]).saturating_abs()).max().unwrap_or(0)
}

#[test]
fn players_open_every_list_and_decode_every_format() {
    if !require("players_open_every_list_and_decode_every_format", &PLAYERS) {
        return;
    }
    let daemon = Daemon::start("", FORMATS, T1);
    let portal = Portal::beside(&daemon, GENEROUS);
    let event = on_the_air(&daemon, &portal);
    let mut addresses: Vec<(&str, String)> = Vec::new();
    for (player, files) in [
        ("mpg123", &["listen.m3u", "listen.pls"][..]),
        ("mpv", &["listen.m3u", "listen.pls", "listen.m3u8", "listen.ogg.m3u", "live.webm", "live.au"]),
        ("cvlc", &["listen.m3u", "listen.pls", "listen.xspf", "listen.asx", "live.ogg", "live.au", "live.webm"]),
        ("ffmpeg", &["listen.m3u8"]),
    ] {
        addresses.extend(files.iter().map(|file| (player, format!("{}{file}", event.link))));
    }
    // The list in JSON is for programs: each address in it, in every format.
    let list = portal.ask("GET", &format!("{}listen.json", event.link), &[], "").json();
    let listed: Vec<&str> =
        list["streams"].as_array().expect("streams").iter().filter_map(|stream| stream["url"].as_str()).collect();
    assert_eq!(listed.len(), 6, "{list}");
    addresses.extend(listed.into_iter().map(|address| ("ffmpeg", address.to_owned())));

    let playing: Vec<_> = addresses
        .iter()
        .map(|(player, address)| command(player, address).spawn().expect("it is installed"))
        .map(|child| thread::spawn(move || child.wait_with_output().expect("output")))
        .collect();
    // Clients of HLS count when they have come for a second segment.
    daemon.wait_for("all to listen", Duration::from_secs(60), |client| {
        (client.status().ok()?.listeners as usize >= addresses.len()).then_some(())
    });
    thread::sleep(Duration::from_secs_f64(SECONDS + 1.0));
    daemon.client().end(&event.number).expect("ended");
    let mut failed = Vec::new();
    for ((player, address), playing) in addresses.iter().zip(playing) {
        let output = playing.join().expect("joined");
        let seconds = output.stdout.len() as f64 / 16_000.0;
        let file = Path::new(address).file_name().unwrap_or_default().display().to_string();
        println!("{player} {file}: {seconds:.1} s");
        if seconds < SECONDS || loudest(&output.stdout) < 1000 {
            failed.push(format!("{player} {file}: {seconds:.1} s: {}", String::from_utf8_lossy(&output.stderr)));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

/// Decodes what was fetched, with ffmpeg; the loudest sample, and for how many seconds it lasts.
fn decoded(folder: &Path, name: &str, extension: &str, sound: &[u8]) -> (i16, f64) {
    let file = folder.join(format!("{name}.{extension}"));
    std::fs::write(&file, sound).expect("written");
    let output = command("ffmpeg", file.to_str().expect("text")).output().expect("ffmpeg runs");
    (loudest(&output.stdout), output.stdout.len() as f64 / 16_000.0)
}

#[test]
fn a_hundred_come_at_random_moments_and_all_hear() {
    if !require("a_hundred_come_at_random_moments_and_all_hear", &[FFMPEG]) {
        return;
    }
    let daemon = Daemon::start("", FORMATS, T1);
    let portal = Portal::beside(&daemon, GENEROUS);
    let event = on_the_air(&daemon, &portal);
    let folder = tempfile::tempdir().expect("a folder");
    // With what a listener gets at once, some seconds in each format.
    let shapes = [("mp3", 90_000), ("webm", 9000), ("ogg", 9000), ("au", 20_000), ("ulaw", 20_000)];
    let mut seed = 0x2545_f491_4f6c_dd1du64;
    let mut random = |below: u64| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed % below
    };
    let moments: Vec<u64> = (0..100).map(|_| random(10_000)).collect();
    let heard: Vec<_> = thread::scope(|scope| {
        let listen = |(nth, &moment): (usize, &u64)| {
            let (portal, event) = (&portal, &event);
            scope.spawn(move || {
                thread::sleep(Duration::from_millis(moment));
                let (extension, octets) = shapes[nth % shapes.len()];
                (nth, extension, portal.hear(&format!("{}live.{extension}", event.link), octets))
            })
        };
        let listeners: Vec<_> = moments.iter().enumerate().map(listen).collect();
        listeners.into_iter().map(|listener| listener.join().expect("heard")).collect()
    });
    for (nth, extension, answer) in heard {
        assert_eq!(answer.status, 200, "{nth} {extension}: {}", answer.text());
        let (loudest, seconds) = decoded(folder.path(), &nth.to_string(), extension, &answer.body);
        assert!(loudest > 1000 && seconds > 1.5, "{nth} {extension}: {seconds} s, at most {loudest}");
    }
}
