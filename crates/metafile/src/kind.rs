//! The kinds of metafile and how each is written.
//!
//! Source: M3U and PLS have no standard, and are as Winamp introduced them and players read them; XSPF version
//! 1 (xspf.org); ASX as Windows Media Player documented it; RFC 8216 clause 4.3.4 for the master playlist.

use crate::Listing;
use std::fmt::Write as _;

/// A kind of metafile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Addresses, one a line.
    M3u,
    /// Numbered lines.
    Pls,
    /// XML, the open playlist format.
    Xspf,
    /// XML, for players of old Windows. One entry with its fall-backs.
    Asx,
    /// The master playlist of HTTP Live Streaming.
    Hls,
    /// For programs: all formats.
    Json,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 6] = [Kind::M3u, Kind::Pls, Kind::Xspf, Kind::Asx, Kind::Hls, Kind::Json];

    /// What comes after the dot.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Kind::M3u => "m3u",
            Kind::Pls => "pls",
            Kind::Xspf => "xspf",
            Kind::Asx => "asx",
            Kind::Hls => "m3u8",
            Kind::Json => "json",
        }
    }

    /// The kind with this suffix.
    #[must_use]
    pub fn of_suffix(suffix: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.suffix().eq_ignore_ascii_case(suffix))
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Kind::M3u => "audio/x-mpegurl",
            Kind::Pls => "audio/x-scpls",
            Kind::Xspf => "application/xspf+xml",
            Kind::Asx => "video/x-ms-asf",
            Kind::Hls => "application/vnd.apple.mpegurl",
            Kind::Json => "application/json",
        }
    }

    /// The document. What a kind cannot say is left out: a master playlist of streams that are no playlists would
    /// be none, so the caller gives it those only.
    #[must_use]
    pub fn write(self, listing: &Listing) -> String {
        match self {
            Kind::M3u => m3u(listing),
            Kind::Pls => pls(listing),
            Kind::Xspf => xspf(listing),
            Kind::Asx => asx(listing),
            Kind::Hls => hls(listing),
            Kind::Json => json(listing),
        }
    }
}

fn m3u(listing: &Listing) -> String {
    let title = listing.shown();
    listing.streams.iter().fold("#EXTM3U\n".to_owned(), |mut out, stream| {
        // A length of -1: nobody knows.
        let _ = write!(out, "#EXTINF:-1,{title}\n{}\n", stream.url);
        out
    })
}

fn pls(listing: &Listing) -> String {
    let title = listing.shown();
    let mut out = format!("[playlist]\nNumberOfEntries={}\n", listing.streams.len());
    for (number, stream) in (1..).zip(&listing.streams) {
        let _ = write!(out, "File{number}={}\nTitle{number}={title}\nLength{number}=-1\n", stream.url);
    }
    out.push_str("Version=2\n");
    out
}

fn xspf(listing: &Listing) -> String {
    let title = escaped(&listing.shown());
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <playlist version=\"1\" xmlns=\"http://xspf.org/ns/0/\">\n\
         \x20 <title>{title}</title>\n\
         \x20 <trackList>\n"
    );
    for stream in &listing.streams {
        let url = escaped(&stream.url);
        let _ = writeln!(out, "    <track><location>{url}</location><title>{title}</title></track>");
    }
    out.push_str("  </trackList>\n</playlist>\n");
    out
}

fn asx(listing: &Listing) -> String {
    let title = escaped(&listing.shown());
    let mut out = format!("<asx version=\"3.0\">\n  <title>{title}</title>\n  <entry>\n    <title>{title}</title>\n");
    for stream in &listing.streams {
        let _ = writeln!(out, "    <ref href=\"{}\"/>", escaped(&stream.url));
    }
    out.push_str("  </entry>\n</asx>\n");
    out
}

/// The streams of one rate stand for one another: a client that loses the first takes the next (4.3.4.2).
fn hls(listing: &Listing) -> String {
    let mut out = "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n".to_owned();
    for stream in &listing.streams {
        // The upper bound: half as much again as the average, and what the boxes need.
        let peak = stream.kbit_s * 1500 + 8000;
        let average = stream.kbit_s * 1000;
        let _ = write!(
            out,
            "#EXT-X-STREAM-INF:BANDWIDTH={peak},AVERAGE-BANDWIDTH={average},CODECS=\"opus\"\n{}\n",
            stream.url
        );
    }
    out
}

fn json(listing: &Listing) -> String {
    let mut text = serde_json::to_string_pretty(listing).unwrap_or_default();
    text.push('\n');
    text
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\u{fffe}' | '\u{ffff}' => {}
            other => out.push(other),
        }
    }
    out
}
