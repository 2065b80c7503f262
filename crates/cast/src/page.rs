//! The page a port shows a browser: what is on the air, and a player.
//!
//! One answer without scripts, fonts or anything from elsewhere, so that it works in any browser, offline
//! networks and screen readers; light or dark as the reader's system is.

use crate::format::Format;
use std::fmt::Write as _;

/// What the page may load: sound from here.
pub(crate) const POLICY: &str = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'";

const STYLE: &str = "\
:root{color-scheme:light dark}\
body{font:1.1rem/1.5 system-ui,sans-serif;max-width:36rem;margin:10vh auto;padding:0 1rem}\
h1{font-size:1.6rem;margin:0 0 .3rem;overflow-wrap:anywhere}\
audio{width:100%;margin:1rem 0}";

/// The page of a live event.
pub(crate) fn on_air(event: &str, title: &str, formats: &[Format]) -> String {
    let title = escape(if title.is_empty() { event } else { title });
    let event = escape(event);
    let (mut sources, mut links) = (String::new(), String::new());
    for format in formats {
        let (extension, rate) = (format.extension(), format.kbit_s());
        let kind = escape(format.content_type());
        // Raw octets are for programs; a browser's own player does not know what they are.
        if *format != Format::Pcmu {
            let _ = write!(sources, "<source src=\"{event}.{extension}\" type=\"{kind}\">");
        }
        let name = format!("{event}.{extension}");
        let _ = write!(links, "<li><a href=\"{name}\">{name}</a> ({kind}, {rate} kbit/s)</li>");
    }
    format!(
        "<!DOCTYPE html>\n\
         <html lang=\"en\">\n\
         <head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n\
         <title>{title}, live</title>\n\
         <style>{STYLE}</style></head>\n\
         <body><main>\n\
         <h1>{title}</h1>\n\
         <p>On the air now: event {event}.</p>\n\
         <audio controls preload=\"none\" aria-label=\"Live sound of {title}\">{sources}\
         This browser has no player; use an address below.</audio>\n\
         <p>For other players, as a list: <a href=\"listen.m3u\">M3U</a>, <a href=\"listen.pls\">PLS</a>, \
         <a href=\"listen.xspf\">XSPF</a>; or by address:</p>\n\
         <ul>{links}</ul>\n\
         </main></body>\n\
         </html>\n"
    )
}

fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_event_and_plays_it() {
        let page = on_air("123", "Annual <meeting> & \"more\"", &[Format::Mp3]);
        assert!(page.contains("<h1>Annual &lt;meeting&gt; &amp; &quot;more&quot;</h1>"));
        assert!(page.contains("<source src=\"123.mp3\" type=\"audio/mpeg\">"));
        assert!(!page.contains("<meeting>") && !page.contains("<script"));
        assert!(on_air("123", "", &[Format::Mp3]).contains("<h1>123</h1>"));
        let both = on_air("123", "", &[Format::Webm, Format::Pcmu]);
        assert!(both.contains("<source src=\"123.webm\" type=\"audio/webm; codecs=&quot;opus&quot;\">"));
        assert!(both.contains("<a href=\"123.ulaw\">") && !both.contains("<source src=\"123.ulaw\""));
    }
}
