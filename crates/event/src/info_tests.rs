//! The document: written, read back, edited by hand, damaged, of another version.

use super::*;
use crate::KeyId;
use proptest::prelude::*;

fn full() -> EventInfo {
    EventInfo {
        number: EventNumber::with_serial(KeyId::FIRST, 1_234_567),
        title: "Grüße & <Küsse>".to_owned(),
        status: Status::Live,
        created_ms: 1_795_184_325_123,
        starts_ms: Some(1_795_190_400_000),
        formats: vec!["mp3".to_owned(), "opus".to_owned()],
        host_pin: Pin::parse("00000001").unwrap(),
        speaker_pin: Pin::parse("99999999").unwrap(),
        listener_pin: Pin::parse("77777777"),
        attendee_link: Some("https://example.org/e?a=1&b=2".to_owned()),
        over_after_s: Some(1800),
        archive_after_s: Some(86_400),
        recordings: vec![
            Recording {
                file: "a.mp3".to_owned(),
                format: "mp3".to_owned(),
                started_ms: 1_795_190_402_000,
                ended_ms: Some(1_795_190_500_000),
                server: "g1".to_owned(),
            },
            Recording {
                file: "b.mp3".to_owned(),
                format: "mp3".to_owned(),
                started_ms: 1_795_190_600_000,
                ended_ms: None,
                server: String::new(),
            },
        ],
        link_epoch: 3,
        others: vec![
            Element::text("language", "de"),
            Element::parent("rooms", vec![Element::text("room", "Aula").with("seats", 300)]).with("by", "portal"),
        ],
    }
}

fn wrong(document: &str) -> String {
    EventInfo::from_xml(document).unwrap_err().to_string()
}

#[test]
fn a_record_is_closed_for_the_greatest_reason_and_an_archive_stays() {
    let mut info = EventInfo { status: Status::Live, ..full() };
    for (closing, news, status) in [
        (Closing::Over, true, Status::Over),
        (Closing::Over, false, Status::Over),
        (Closing::Cancelled, true, Status::Cancelled),
        (Closing::Ended, false, Status::Cancelled),
    ] {
        assert_eq!((info.close(closing), &info.status), (news, &status));
    }
    info.status = Status::Archived;
    assert!(!info.close(Closing::Cancelled) && info.status == Status::Archived);
}

#[test]
fn the_document_as_text() {
    let expected = "\
<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<event-info version=\"1\">
  <number>1012345679</number>
  <title>Grüße &amp; &lt;Küsse&gt;</title>
  <status>live</status>
  <created>2026-11-20T14:18:45.123Z</created>
  <starts>2026-11-20T16:00:00.000Z</starts>
  <formats>
    <format>mp3</format>
    <format>opus</format>
  </formats>
  <host-pin>00000001</host-pin>
  <speaker-pin>99999999</speaker-pin>
  <listener-pin>77777777</listener-pin>
  <attendee-link>https://example.org/e?a=1&amp;b=2</attendee-link>
  <link-epoch>3</link-epoch>
  <over-after-s>1800</over-after-s>
  <archive-after-s>86400</archive-after-s>
  <recordings>
    <recording file=\"a.mp3\" format=\"mp3\" started=\"2026-11-20T16:00:02.000Z\" ended=\"2026-11-20T16:01:40.000Z\" server=\"g1\"/>
    <recording file=\"b.mp3\" format=\"mp3\" started=\"2026-11-20T16:03:20.000Z\" server=\"\"/>
  </recordings>
  <language>de</language>
  <rooms by=\"portal\">
    <room seats=\"300\">Aula</room>
  </rooms>
</event-info>
";
    assert_eq!(full().to_xml(), expected);
    assert_eq!(EventInfo::from_xml(expected), Ok(full()));
}

#[test]
fn read_tolerantly() {
    let number = full().number.grouped();
    let document = format!(
        "<event-info future='x'>\n<speaker-pin> 1111 1111 </speaker-pin><created>2026-11-20T15:18:45+01:00</created>\
         <rooms><room/></rooms><note kind='a'>b</note><colour>red</colour>\
         <!-- by hand --><status>paused</status><number>{number}</number><host-pin>2222-2222</host-pin>\
         <recordings><film/></recordings></event-info>"
    );
    let info = EventInfo::from_xml(&document).unwrap();
    assert_eq!(info.number, full().number);
    assert_eq!(info.created_ms, 1_795_184_325_000);
    assert_eq!(info.status, Status::Other("paused".to_owned()));
    let kept = [
        Element::parent("rooms", vec![Element::text("room", "")]),
        Element::text("note", "b").with("kind", "a"),
        Element::text("colour", "red"),
    ];
    assert_eq!(info.others, kept);
    assert!(info.formats.is_empty() && info.recordings.is_empty() && info.title.is_empty());
    assert_eq!(info.listener_pin, None, "from before there were listeners");
    assert_eq!(EventInfo::from_xml(&info.to_xml()), Ok(info), "what was kept is written back");
}

#[test]
fn what_is_wrong_is_said() {
    let good = full().to_xml();
    assert_eq!(wrong("<a/>"), "the root element is <a>, not <event-info>");
    assert_eq!(
        wrong(&good.replace("info version=\"1\"", "info version=\"2\"")),
        "version 2 is not known here, only up to 1"
    );
    assert_eq!(wrong(&good.replace("info version=\"1\"", "info version=\"x\"")), "\"x\" is no version");
    assert_eq!(wrong(&good.replace("1012345679", "1012345673")).split(':').next(), Some("<number>"));
    assert_eq!(wrong(&good.replace("00000001", "secret")), "<host-pin>: not 8 digits");
    assert_eq!(wrong(&good.replace(">3<", ">65536<")), "<link-epoch>: no number up to 65535");
    assert_eq!(wrong(&good.replace("1800", "-1")), "<over-after-s>: no whole number of seconds");
    assert_eq!(wrong(&good.replace("a.mp3", "../keys")), "<recording>: the attribute \"file\" is no plain file name");
    assert_eq!(wrong(&good.replace("T16:03", "T99:03")), "<recording>: no time of the form 2026-01-31T12:00:00Z");
    assert_eq!(wrong(&good.replace(" started", " begun")), "<recording> has no attribute \"started\"");
    for name in ["number", "created", "host-pin", "speaker-pin"] {
        let without = good.replace(&format!("<{name}>"), "<x>").replace(&format!("</{name}>"), "</x>");
        assert_eq!(wrong(&without), format!("<{name}> is missing"));
    }
    assert!(wrong(&good[..good.len() / 2]).starts_with("line "));
}

#[test]
fn every_status_has_its_name() {
    for (status, name) in Status::NAMES {
        assert_eq!(status.name(), name);
        assert_eq!(Status::of_name(name), status);
    }
}

#[test]
fn debug_output_has_no_pins() {
    let shown = format!("{:?}", full());
    assert!(!shown.contains("00000001") && !shown.contains("99999999"), "{shown}");
}

/// The schema is for other programs; what is written here must keep to it, and what is no event must not.
#[test]
fn what_is_written_keeps_to_the_schema() {
    let found = std::env::var_os("PATH").is_some_and(|p| std::env::split_paths(&p).any(|d| d.join("xmllint").exists()));
    assert!(found || std::env::var_os("CI").is_none(), "CI has to have xmllint");
    if !found {
        return;
    }
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/event-info.xsd");
    let directory = tempfile::tempdir().unwrap();
    let valid = |document: &str| {
        let file = directory.path().join("event-info.xml");
        std::fs::write(&file, document).unwrap();
        let checked = std::process::Command::new("xmllint").args(["--noout", "--schema", schema]).arg(&file).output();
        let checked = checked.unwrap();
        // 3 and 4: the document does not keep to it. Anything else is a fault of the schema.
        match checked.status.code() {
            Some(0) => true,
            Some(3 | 4) => false,
            _ => panic!("{}", String::from_utf8_lossy(&checked.stderr)),
        }
    };
    let full = full();
    let least = EventInfo {
        title: String::new(),
        starts_ms: None,
        formats: Vec::new(),
        attendee_link: None,
        over_after_s: None,
        archive_after_s: None,
        recordings: Vec::new(),
        link_epoch: 0,
        others: Vec::new(),
        ..full.clone()
    };
    assert!(valid(&full.to_xml()));
    assert!(valid(&least.to_xml()));
    let good = full.to_xml();
    for (from, to) in [
        ("<number>1012345679</number>", ""),
        ("1012345679", "12"),
        ("<host-pin>00000001", "<host-pin>1"),
        ("2026-11-20T14", "yesterday"),
        ("version=\"1\"", "version=\"2\""),
        ("file=\"a.mp3\"", "file=\"../a.mp3\""),
        (">1800<", ">-1<"),
    ] {
        assert!(good.contains(from) && !valid(&good.replacen(from, to, 1)), "{from} to {to}");
    }
}

proptest! {
    #[test]
    fn written_and_read_back(
        title in ".{0,60}",
        formats in prop::collection::vec("[a-z0-9-]{1,12}", 0..4),
        link in prop::option::of("[!-~]{1,40}"),
        over in any::<Option<u32>>(),
        times in prop::collection::vec((0u64..4_000_000_000_000, any::<bool>()), 0..4),
        status in "[a-z]{1,10}",
    ) {
        let recordings = times.iter().enumerate().map(|(n, &(ms, done))| Recording {
            file: format!("r{n}.mp3"),
            format: "mp3".to_owned(),
            started_ms: ms,
            ended_ms: done.then_some(ms + 5),
            server: "g".to_owned(),
        });
        let info = EventInfo {
            title: EventInfo::tidy_text(&title),
            formats,
            attendee_link: link,
            over_after_s: over,
            recordings: recordings.collect(),
            status: Status::of_name(&status),
            ..full()
        };
        prop_assert_eq!(EventInfo::from_xml(&info.to_xml()), Ok(info));
    }
}
