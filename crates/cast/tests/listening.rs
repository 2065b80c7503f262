//! Listeners come early and late, read fast, slowly or not at all, and the stream ends for each at its end.

mod common;

use cast::Format;
use common::{Client, FRAME, ask, assert_frames, get, station, status, until};
use nix::sys::socket::{setsockopt, sockopt};

#[test]
fn a_listener_gets_every_frame_from_first_to_last() {
    let station = station(1, None, |_| {});
    let (mut voice, statistics) = station.start(station.port, "123", false);
    voice.speak(20);
    let (mut client, head) = get(station.port, "/123.mp3");
    assert_eq!(status(&head), 200);
    assert!(head.contains("\r\nContent-Type: audio/mpeg\r\n"));
    voice.speak(300);
    let start = client.take(200 * FRAME);
    station.caster.stop(station.port).unwrap();
    let sound = [start, client.rest()].concat();
    assert_frames(&sound);
    // What was spoken and what the codec's filters still held.
    assert_eq!(sound.len(), 323 * FRAME);
    until("the listener has left", || statistics.read().listeners == 0);
    let figures = statistics.read();
    assert_eq!((figures.frames, figures.listeners_total, figures.dropped), (323, 1, 0));
    assert_eq!(figures.octets_sent, sound.len() as u64);
    assert_eq!((statistics.octets_of(Format::Mp3), statistics.octets_of(Format::Pcmu)), (figures.octets_sent, 0));
}

#[test]
fn a_late_listener_begins_on_a_frame_with_the_burst_at_once() {
    let station = station(1, None, |_| {});
    let (mut voice, statistics) = station.start(station.port, "123", false);
    let (mut early, _) = get(station.port, "/123.mp3");
    voice.speak(500);
    let all = early.take(500 * FRAME);
    assert_eq!(statistics.read().frames, 500);
    // Nobody speaks now: what comes is the burst alone, 40 kB rounded up to a frame.
    let (mut late, _) = ask(station.port, "GET", "/123.mp3", "Range: bytes=0-\r\n");
    let burst = late.take(105 * FRAME);
    assert_frames(&burst);
    assert_eq!(burst, all[395 * FRAME..]);
    // From there on both hear the same.
    voice.speak(10);
    assert_eq!(early.take(10 * FRAME), late.take(10 * FRAME));
}

#[test]
fn titles_are_told_to_those_who_ask() {
    let station = station(1, None, |_| {});
    let (mut voice, _) = station.start(station.port, "123", false);
    let (mut plain, head) = get(station.port, "/123.mp3");
    assert!(!head.contains("\r\nicy-metaint"));
    let (mut icy, head) = ask(station.port, "GET", "/123.mp3", "Icy-MetaData: 1\r\n");
    assert!(head.contains("\r\nicy-metaint: 16000\r\n"));
    assert!(head.contains("\r\nicy-name: Annual meeting\r\n"));
    let title = |icy: &mut Client| {
        let length = usize::from(icy.take(1)[0]) * 16;
        String::from_utf8(icy.take(length)).unwrap().trim_end_matches('\0').to_owned()
    };
    voice.speak(200);
    let mut sound = icy.take(16_000);
    assert_eq!(title(&mut icy), "StreamTitle='Annual meeting';");
    sound.extend(icy.take(16_000));
    assert_eq!(title(&mut icy), "");
    station.caster.set_title(station.port, "Questions").unwrap();
    voice.speak(200);
    for _ in 0..5 {
        sound.extend(icy.take(16_000));
        let said = title(&mut icy);
        if said == "StreamTitle='Questions';" {
            assert_eq!(plain.take(sound.len()), sound);
            return;
        }
        assert_eq!(said, "");
    }
    panic!("the new title was not told");
}

#[test]
fn who_does_not_read_is_dropped_and_the_others_go_on() {
    let station = station(1, None, |s| s.backlog_bytes = 32 * 1024);
    let (mut voice, statistics) = station.start(station.port, "123", false);
    let mut slow = Client::connect(station.port);
    setsockopt(&slow.socket, sockopt::RcvBuf, &4096).unwrap();
    slow.send(b"GET /123.mp3 HTTP/1.1\r\nHost: test\r\n\r\n");
    until("the slow one listens", || statistics.read().listeners == 1);
    let (mut fast, _) = get(station.port, "/123.mp3");
    let mut sound = Vec::new();
    // Three megabytes at most: more than any kernel holds for one connection here.
    for _ in 0..400 {
        voice.speak(20);
        sound.extend(fast.take(20 * FRAME));
        if statistics.read().dropped == 1 {
            break;
        }
    }
    assert_frames(&sound);
    let figures = statistics.read();
    assert_eq!((figures.dropped, figures.listeners, figures.listeners_peak), (1, 1, 2));
    voice.speak(20);
    assert_frames(&fast.take(20 * FRAME));
    let said = station.wait(|e| matches!(e, cast::CastEvent::ListenersDropped { .. }));
    assert_eq!(
        said.to_string(),
        format!("listeners of event 123 on port {} were too slow: 1 cut off so far", station.port)
    );
}

#[test]
fn two_hundred_listen_to_one_port_and_the_next_is_refused() {
    let station = station(1, None, |s| s.max_listeners = 200);
    let (mut voice, statistics) = station.start(station.port, "123", false);
    let mut clients: Vec<Client> = (0..200).map(|_| get(station.port, "/123.mp3").0).collect();
    let (mut refused, head) = get(station.port, "/123.mp3");
    assert_eq!(status(&head), 503);
    assert!(head.contains("\r\nRetry-After: ") && !refused.rest().is_empty());
    voice.speak(100);
    station.caster.stop(station.port).unwrap();
    let first = clients[0].rest();
    assert_frames(&first);
    assert_eq!(first.len(), 103 * FRAME);
    for client in &mut clients[1..] {
        assert!(client.rest() == first);
    }
    until("all have left", || statistics.read().listeners == 0);
    let figures = statistics.read();
    assert_eq!((figures.listeners_peak, figures.refused, figures.dropped), (200, 1, 0));
}

#[test]
fn who_leaves_makes_room() {
    let station = station(1, None, |s| s.max_listeners = 1);
    let (mut voice, statistics) = station.start(station.port, "123", false);
    for _ in 0..5 {
        let (client, head) = get(station.port, "/123.mp3");
        assert_eq!(status(&head), 200);
        drop(client);
        // A closed connection shows when sound is sent to it.
        until("the stream notices", || {
            voice.speak(1);
            statistics.read().listeners == 0
        });
    }
    assert_eq!(statistics.read().listeners_total, 5);
}

#[test]
fn a_stream_nobody_feeds_goes_on_in_silence_and_holds_up_no_other() {
    let station = station(2, None, |s| s.dry_after = std::time::Duration::from_millis(20));
    let (mut voice, fed) = station.start(station.port, "123", false);
    let (_mute, dry) = station.start(station.port + 1, "124", false);
    let (mut mute, _) = get(station.port + 1, "/124.mp3");
    assert_frames(&mute.take(10 * FRAME));
    assert!(dry.read().silence_samples >= 1900);
    let (mut client, _) = get(station.port, "/123.mp3");
    voice.speak(200);
    assert_frames(&client.take(150 * FRAME));
    assert!(fed.read().frames >= 150);
}

#[test]
fn ports_of_several_threads_have_their_own_events() {
    let station = station(5, None, |s| s.threads = 3);
    let names = ["a0", "a1", "a2", "a3", "a4"];
    let mut voices: Vec<_> =
        (station.port..).zip(names).map(|(port, event)| station.start(port, event, false)).collect();
    for (n, (voice, _)) in voices.iter_mut().enumerate() {
        voice.speak(10 + n);
    }
    for (port, event) in (station.port..).zip(names) {
        let (mut client, _) = get(port, &format!("/{event}.mp3"));
        station.caster.stop(port).unwrap();
        let frames = client.rest().len() / FRAME;
        assert_eq!(frames, 13 + usize::from(port - station.port));
    }
}
