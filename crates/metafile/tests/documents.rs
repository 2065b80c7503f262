//! Each kind of metafile as players get it, sign by sign.

use metafile::{Kind, Listing, Stream};

fn stream(host: &str, format: &str, media_type: &str, extension: &str, kbit_s: u32) -> Stream {
    let url = format!("http://{host}:10000/4711.{extension}");
    Stream { format: format.to_owned(), media_type: media_type.to_owned(), kbit_s, url }
}

/// An event that two servers cast in two formats.
fn listing() -> Listing {
    let streams = ["one", "two"].into_iter().flat_map(|host| {
        [
            stream(host, "mp3", "audio/mpeg", "mp3", 128),
            stream(host, "hls", "application/vnd.apple.mpegurl", "m3u8", 24),
        ]
    });
    Listing { event: "4711".to_owned(), title: "Q&A: \"<what>\r\nnow?\"".to_owned(), streams: streams.collect() }
}

fn written(kind: Kind, format: &str) -> String {
    kind.write(&listing().only(format))
}

#[test]
fn m3u() {
    let expected = "#EXTM3U\n\
                    #EXTINF:-1,Q&A: \"<what>  now?\"\nhttp://one:10000/4711.mp3\n\
                    #EXTINF:-1,Q&A: \"<what>  now?\"\nhttp://two:10000/4711.mp3\n";
    assert_eq!(written(Kind::M3u, "mp3"), expected);
}

#[test]
fn pls() {
    let expected = "[playlist]\nNumberOfEntries=2\n\
                    File1=http://one:10000/4711.mp3\nTitle1=Q&A: \"<what>  now?\"\nLength1=-1\n\
                    File2=http://two:10000/4711.mp3\nTitle2=Q&A: \"<what>  now?\"\nLength2=-1\n\
                    Version=2\n";
    assert_eq!(written(Kind::Pls, "mp3"), expected);
}

#[test]
fn xspf() {
    let title = "<title>Q&amp;A: &quot;&lt;what&gt;  now?&quot;</title>";
    let expected = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <playlist version=\"1\" xmlns=\"http://xspf.org/ns/0/\">\n  {title}\n  <trackList>\n    \
         <track><location>http://one:10000/4711.mp3</location>{title}</track>\n    \
         <track><location>http://two:10000/4711.mp3</location>{title}</track>\n  \
         </trackList>\n</playlist>\n"
    );
    assert_eq!(written(Kind::Xspf, "mp3"), expected);
}

#[test]
fn asx() {
    let title = "<title>Q&amp;A: &quot;&lt;what&gt;  now?&quot;</title>";
    let expected = format!(
        "<asx version=\"3.0\">\n  {title}\n  <entry>\n    {title}\n    \
         <ref href=\"http://one:10000/4711.mp3\"/>\n    <ref href=\"http://two:10000/4711.mp3\"/>\n  </entry>\n</asx>\n"
    );
    assert_eq!(written(Kind::Asx, "mp3"), expected);
}

#[test]
fn hls() {
    let line = "#EXT-X-STREAM-INF:BANDWIDTH=44000,AVERAGE-BANDWIDTH=24000,CODECS=\"opus\"";
    let expected = format!(
        "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         {line}\nhttp://one:10000/4711.m3u8\n{line}\nhttp://two:10000/4711.m3u8\n"
    );
    assert_eq!(written(Kind::Hls, "hls"), expected);
}

#[test]
fn json_has_all_formats() {
    let text = Kind::Json.write(&listing());
    let read: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(read["event"], "4711");
    assert_eq!(read["title"], "Q&A: \"<what>\r\nnow?\"");
    let expected = serde_json::json!(
        {"format": "mp3", "type": "audio/mpeg", "kbit_s": 128, "url": "http://one:10000/4711.mp3"});
    assert_eq!(read["streams"][0], expected);
    assert_eq!(read["streams"].as_array().unwrap().len(), 4);
}

#[test]
fn an_event_without_title_shows_its_number_and_one_without_streams_an_empty_list() {
    let nameless = Listing { title: String::new(), streams: Vec::new(), ..listing() };
    assert_eq!(Kind::Pls.write(&nameless), "[playlist]\nNumberOfEntries=0\nVersion=2\n");
    assert!(Kind::Xspf.write(&nameless).contains("<title>4711</title>"));
}

#[test]
fn suffixes_and_types_are_each_their_own() {
    for kind in Kind::ALL {
        assert_eq!(Kind::of_suffix(kind.suffix()), Some(kind));
        assert_eq!(Kind::of_suffix(&kind.suffix().to_uppercase()), Some(kind));
        assert_eq!(Kind::ALL.iter().filter(|other| other.media_type() == kind.media_type()).count(), 1);
    }
    assert_eq!(Kind::of_suffix("mp3"), None);
}
