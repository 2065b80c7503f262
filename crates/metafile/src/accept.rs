//! What a client would like, from its `Accept` line.
//!
//! Source: RFC 9110 clause 12.5.1; qualities with up to three decimals (12.4.2).

use crate::Kind;

/// What somebody who asks without a suffix wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// A page: it is a browser.
    Page,
    /// A metafile: it is a player or a program.
    Metafile(Kind),
}

/// Media types that clients name, and what they mean by them.
const TYPES: [(&str, Wanted); 16] = [
    ("text/html", Wanted::Page),
    ("application/xhtml+xml", Wanted::Page),
    ("audio/x-mpegurl", Wanted::Metafile(Kind::M3u)),
    ("audio/mpegurl", Wanted::Metafile(Kind::M3u)),
    ("audio/x-scpls", Wanted::Metafile(Kind::Pls)),
    ("audio/scpls", Wanted::Metafile(Kind::Pls)),
    ("application/pls+xml", Wanted::Metafile(Kind::Pls)),
    ("application/xspf+xml", Wanted::Metafile(Kind::Xspf)),
    ("video/x-ms-asf", Wanted::Metafile(Kind::Asx)),
    ("video/x-ms-asx", Wanted::Metafile(Kind::Asx)),
    ("video/x-ms-wvx", Wanted::Metafile(Kind::Asx)),
    ("audio/x-ms-wax", Wanted::Metafile(Kind::Asx)),
    ("application/vnd.apple.mpegurl", Wanted::Metafile(Kind::Hls)),
    ("application/x-mpegurl", Wanted::Metafile(Kind::Hls)),
    ("application/json", Wanted::Metafile(Kind::Json)),
    ("text/json", Wanted::Metafile(Kind::Json)),
];

/// What the line likes best, the first of equals; none when it names nothing there is, or has no wish.
#[must_use]
pub fn negotiate(accept: &str) -> Option<Wanted> {
    let mut best: Option<(u32, Wanted)> = None;
    for range in accept.split(',') {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let Some((_, wanted)) = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else { continue };
        let quality =
            parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q="))).map_or(1000, thousandths);
        if quality > best.map_or(0, |(least, _)| least) {
            best = Some((quality, *wanted));
        }
    }
    best.map(|(_, wanted)| wanted)
}

/// A quality of 0 to 1; what is none counts as not wanted.
fn thousandths(text: &str) -> u32 {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|b| b.is_ascii_digit());
    match whole {
        "0" if digits => format!("{decimals:0<3}").parse().unwrap_or(0),
        "1" if decimals.bytes().all(|b| b == b'0') => 1000,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_browsers_players_and_programs_ask_for() {
        let metafile = |kind| Some(Wanted::Metafile(kind));
        for (accept, expected) in [
            ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", Some(Wanted::Page)),
            ("*/*", None),
            ("", None),
            ("audio/*", None),
            ("application/json", metafile(Kind::Json)),
            ("application/json;q=0.5, audio/x-scpls", metafile(Kind::Pls)),
            ("Audio/X-MpegURL; charset=utf-8; q=0.7, application/xspf+xml;q=0.701", metafile(Kind::Xspf)),
            ("video/x-ms-asf;q=0", None),
            ("application/json;q=1.000, text/html;q=1", metafile(Kind::Json)),
            ("application/json;q=2, text/html;q=.5, audio/x-scpls;q=0.0001", None),
        ] {
            assert_eq!(negotiate(accept), expected, "{accept}");
        }
    }
}
