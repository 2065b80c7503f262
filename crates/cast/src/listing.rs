//! What a port says when it is asked where to listen: metafiles.
//!
//! `/listen.m3u` and its like name the stream that players do best with, `/listen.ogg.m3u` one of a certain
//! format, `/listen` what the `Accept` line likes. Programs get all formats from `/listen.json`.
//!
//! Data path: the end of a path and an `Accept` line → [`Wish`] → a [`Listing`] → text.

use crate::format::Format;
use metafile::{Kind, Listing, Stream, Wanted, negotiate};

/// What is said to who asks for another kind.
pub(crate) const KINDS: &str = "Lists of streams end in .m3u, .pls, .xspf, .asx, .m3u8, .json.";

/// Formats in the order players do best with them; HLS is offered where it is asked for.
const PREFERRED: [Format; 4] = [Format::Mp3, Format::Ogg, Format::Webm, Format::Pcmu];

/// What is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish<'a> {
    /// The kind of list.
    pub(crate) kind: Wanted,
    /// The name of the only format.
    pub(crate) format: Option<&'a str>,
}

/// What this end of a path wants: nothing, `.SUFFIX` or `.FORMAT.SUFFIX`; none if there is no such kind.
pub(crate) fn wish<'a>(rest: &'a str, accept: Option<&str>) -> Option<Wish<'a>> {
    let Some(rest) = rest.strip_prefix('.') else {
        let kind = accept.and_then(negotiate).unwrap_or(Wanted::Metafile(Kind::M3u));
        return Some(Wish { kind, format: None });
    };
    let (format, suffix) = match rest.rsplit_once('.') {
        Some((format, suffix)) => (Some(format), suffix),
        None => (None, rest),
    };
    Some(Wish { kind: Wanted::Metafile(Kind::of_suffix(suffix)?), format })
}

/// Who asks for the page with this `Accept` line is a player, and wants to hear: browsers name HTML, and who
/// says nothing gets what a person can read.
pub(crate) fn is_player(accept: Option<&str>) -> bool {
    accept.is_some_and(|accept| {
        negotiate(accept).is_none_or(|wanted| matches!(wanted, Wanted::Metafile(kind) if kind != Kind::Json))
    })
}

/// The format that players do best with.
pub(crate) fn preferred(formats: &[Format]) -> Option<Format> {
    PREFERRED.into_iter().find(|format| formats.contains(format))
}

/// The list; `address` gives the public address of a path.
///
/// # Errors
/// In words, when the event is not cast in the wanted format.
pub(crate) fn write(
    kind: Kind,
    wanted: Option<&str>,
    event: &str,
    title: &str,
    formats: &[Format],
    address: impl Fn(&str) -> String,
) -> Result<String, String> {
    let stream = |&format: &Format| {
        // Players want a header before octets that could be anything; programs know what they asked for.
        let headed = format == Format::Pcmu && kind != Kind::Json;
        let extension = if headed { "au" } else { format.extension() };
        Stream {
            format: format.name().to_owned(),
            media_type: format.content_type().to_owned(),
            kbit_s: format.kbit_s(),
            url: address(&format!("{event}.{extension}")),
        }
    };
    let streams = formats.iter().map(stream).collect();
    let listing = Listing { event: event.to_owned(), title: title.to_owned(), streams };
    let format = match (kind, wanted) {
        (Kind::Json, None) => return Ok(kind.write(&listing)),
        (Kind::Hls, None) => Format::Hls.name(),
        (_, Some(wanted)) => wanted,
        (_, None) => preferred(formats).map_or("", Format::name),
    };
    // A master playlist names playlists and nothing else.
    let fits = kind != Kind::Hls || format == Format::Hls.name();
    if fits && formats.iter().any(|offered| offered.name() == format) {
        return Ok(kind.write(&listing.only(format)));
    }
    let offered: Vec<_> = formats.iter().map(|format| format.name()).collect();
    if fits {
        Err(format!("Event {event} is not cast as {format}, but as {}.", offered.join(", ")))
    } else {
        Err("A playlist of playlists names HLS and nothing else.".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(rest: &str, accept: Option<&str>, formats: &[Format]) -> Option<Result<String, String>> {
        let Wish { kind: Wanted::Metafile(kind), format } = wish(rest, accept)? else { return None };
        Some(write(kind, format, "123", "Meeting", formats, |path| format!("http://h/{path}")))
    }

    #[test]
    fn a_player_gets_the_format_it_does_best_with_or_the_one_it_names() {
        let all = Format::ALL;
        for (rest, accept, formats, expected) in [
            (".m3u", None, &all[..], "123.mp3"),
            ("", None, &all, "123.mp3"),
            ("", Some("audio/x-scpls"), &all, "File1=http://h/123.mp3"),
            (".m3u", Some("audio/x-scpls"), &[Format::Webm, Format::Pcmu], "http://h/123.webm\n"),
            (".pls", None, &[Format::Pcmu], "File1=http://h/123.au\n"),
            (".ogg.xspf", None, &all, "<location>http://h/123.ogg</location>"),
            (".m3u8", None, &all, "CODECS=\"opus\"\nhttp://h/123.m3u8\n"),
            (".json", None, &all, "\"url\": \"http://h/123.ulaw\""),
        ] {
            let text = said(rest, accept, formats).unwrap().unwrap();
            assert!(text.contains(expected), "{rest} {accept:?}: {text}");
        }
        // One event, one server: a list of one, not of every format there is.
        assert_eq!(said(".m3u", None, &all).unwrap().unwrap().matches("http://").count(), 1);
    }

    #[test]
    fn what_there_is_not_is_said() {
        let two = [Format::Mp3, Format::Pcmu];
        let error = said(".ogg.m3u", None, &two).unwrap().unwrap_err();
        assert_eq!(error, "Event 123 is not cast as ogg, but as mp3, pcmu.");
        let error = said(".mp3.m3u8", None, &two).unwrap().unwrap_err();
        assert_eq!(error, "A playlist of playlists names HLS and nothing else.");
        assert_eq!(wish(".txt", None), None);
        assert_eq!(wish(".", None), None);
    }

    #[test]
    fn browsers_are_shown_the_page() {
        for (accept, player) in [
            (None, false),
            (Some("*/*"), true),
            (Some("audio/mpeg, audio/x-mpegurl, audio/x-scpls, */*"), true),
            (Some("text/html,*/*;q=0.8"), false),
            (Some("application/json"), false),
        ] {
            assert_eq!(is_player(accept), player, "{accept:?}");
        }
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
        assert_eq!(wish("", Some(browser)), Some(Wish { kind: Wanted::Page, format: None }));
    }
}
