//! What is said and read in the formats of the API: JSON, and XML that says the same.
//!
//! One document has two spellings. A member of an object is an element of its name; a list is an element whose children are named
//! as one of it is (`events` holds `event`s); null is left out.
//!
//! Source: RFC 9110 clause 12.5.1 for `Accept`.

use crate::problem::Problem;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use event::info::Element;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Json,
    Xml,
}

/// Media types, as which spelling they count.
const TYPES: [(&str, Format); 8] = [
    ("application/json", Format::Json),
    ("application/problem+json", Format::Json),
    ("application/xml", Format::Xml),
    ("text/xml", Format::Xml),
    ("application/problem+xml", Format::Xml),
    ("application/*", Format::Json),
    ("text/*", Format::Xml),
    ("*/*", Format::Json),
];

impl Format {
    /// What the asker likes best; JSON when he has no wish, `None` when he wants neither.
    pub(crate) fn wanted(headers: &HeaderMap) -> Option<Format> {
        let Some(accept) = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()) else {
            return Some(Format::Json);
        };
        let mut best: Option<(f32, Format)> = None;
        for range in accept.split(',') {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let Some((_, format)) = TYPES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else { continue };
            let quality = parts.find_map(|p| p.strip_prefix("q=")).map_or(1.0, |q| q.parse::<f32>().unwrap_or(0.0));
            if quality > best.map_or(0.0, |(least, _)| least) {
                best = Some((quality, *format));
            }
        }
        best.map(|(_, format)| format)
    }

    const fn media_type(self) -> &'static str {
        match self {
            Format::Json => "application/json",
            Format::Xml => "application/xml",
        }
    }

    pub(crate) const fn problem_type(self) -> &'static str {
        match self {
            Format::Json => "application/problem+json",
            Format::Xml => "application/problem+xml",
        }
    }

    /// A document.
    pub(crate) fn write(self, name: &str, value: &Value) -> String {
        match self {
            Format::Json => value.to_string(),
            Format::Xml => element(name, value).to_document(),
        }
    }

    /// An answer with a document.
    pub(crate) fn answer(self, status: StatusCode, name: &str, value: &Value) -> Response {
        let lines =
            [(header::CONTENT_TYPE, self.media_type()), (header::CACHE_CONTROL, "no-store"), (header::VARY, "Accept")];
        (status, lines, self.write(name, value)).into_response()
    }
}

/// Reads what was sent.
///
/// # Errors
/// 415 for a type that is neither, 400 for what is none of the type, 422 for what says something else than is asked for.
pub(crate) fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &Bytes) -> Result<T, Problem> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("application/json");
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let text = std::str::from_utf8(body).map_err(|_| Problem::malformed("the document is not UTF-8"))?;
    let value = match kind.as_str() {
        "application/json" | "application/merge-patch+json" => serde_json::from_str(text)
            .map(whole)
            .map_err(|e| Problem::malformed(format!("the document is not JSON: line {}", e.line())))?,
        "application/xml" | "text/xml" => {
            let root = Element::parse(text).map_err(|e| Problem::malformed(format!("the document is not XML: {e}")))?;
            let nothing = root.children.is_empty() && root.text.trim().is_empty();
            if nothing { Value::Object(Map::new()) } else { value(&root) }
        }
        _ => {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "media-type",
                "documents are application/json or application/xml",
            ));
        }
    };
    if !value.is_object() {
        return Err(Problem::wrong("the document is not an object"));
    }
    serde_json::from_value(value).map_err(|e| Problem::wrong(e.to_string()))
}

/// Numbers without a fraction are whole, however they are written (RFC 8259, clause 6): 60.0 is 60.
fn whole(mut document: Value) -> Value {
    for member in document.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(number) = member.as_f64().filter(|n| n.fract() == 0.0 && (0.0..1e15).contains(n)) {
            *member = Value::from(number as u64);
        }
    }
    document
}

fn element(name: &str, value: &Value) -> Element {
    match value {
        Value::Object(members) => {
            let shown = members.iter().filter(|(_, value)| !value.is_null());
            Element::parent(name, shown.map(|(name, value)| element(name, value)).collect())
        }
        Value::Array(values) => {
            let one = if name == "dial_in" { "number" } else { name.strip_suffix('s').unwrap_or("item") };
            Element::parent(name, values.iter().map(|value| element(one, value)).collect())
        }
        Value::String(text) => Element::text(name, text),
        Value::Null => Element::text(name, ""),
        other => Element::text(name, other),
    }
}

/// Elements of these names hold lists.
const LISTS: [&str; 1] = ["formats"];
/// Elements of these names hold numbers.
const NUMBERS: [&str; 3] = ["over_after_s", "archive_after_s", "listener_limit"];

fn value(element: &Element) -> Value {
    // Words where elements should be are no list, and refused as such.
    if LISTS.contains(&element.name.as_str()) && element.text.trim().is_empty() {
        return Value::Array(element.children.iter().map(|child| Value::String(child.text.clone())).collect());
    }
    if !element.children.is_empty() {
        let members = element.children.iter().map(|child| (child.name.clone(), value(child)));
        return Value::Object(members.collect::<Map<_, _>>());
    }
    match element.text.parse::<u64>() {
        Ok(number) if NUMBERS.contains(&element.name.as_str()) => Value::from(number),
        _ => Value::String(element.text.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::json;

    fn accepting(accept: &str) -> Option<Format> {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT, accept.parse().unwrap());
        Format::wanted(&headers)
    }

    #[test]
    fn the_asker_chooses_the_spelling() {
        assert_eq!(Format::wanted(&HeaderMap::new()), Some(Format::Json));
        for (accept, expected) in [
            ("*/*", Some(Format::Json)),
            ("application/xml", Some(Format::Xml)),
            ("text/html, application/xml;q=0.9, */*;q=0.8", Some(Format::Xml)),
            ("application/xml;q=0.2, application/json;q=0.3", Some(Format::Json)),
            ("application/json;q=0", None),
            ("image/png", None),
        ] {
            assert_eq!(accepting(accept), expected, "{accept}");
        }
    }

    #[test]
    fn both_spellings_say_the_same() {
        let document = json!({"title": "A & B", "formats": ["mp3", "webm"], "over_after_s": 60, "starts": null});
        let xml = Format::Xml.write("event", &document);
        assert!(
            xml.contains("<title>A &amp; B</title>")
                && xml.contains("<format>webm</format>")
                && !xml.contains("starts"),
            "{xml}"
        );
        #[derive(Deserialize, Debug, PartialEq)]
        struct Wish {
            title: String,
            formats: Vec<String>,
            over_after_s: u64,
        }
        let mut headers = HeaderMap::new();
        let decimals: Wish = read(
            &headers,
            &Bytes::from_static(b"{\"title\":\"A & B\",\"formats\":[\"mp3\",\"webm\"],\"over_after_s\":60.0}"),
        )
        .unwrap();
        let from_json: Wish = read(&headers, &Bytes::from(Format::Json.write("event", &document))).unwrap();
        headers.insert(header::CONTENT_TYPE, "application/xml; charset=utf-8".parse().unwrap());
        let from_xml: Wish = read(&headers, &Bytes::from(xml)).unwrap();
        assert_eq!((&from_json, &from_json), (&from_xml, &decimals));
    }

    #[derive(Deserialize, Debug)]
    struct Listed {
        formats: Vec<String>,
    }

    #[test]
    fn what_is_no_document_has_an_answer_of_its_own() {
        let status = |kind: &str, body: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            read::<Map<String, Value>>(&headers, &Bytes::from(body)).map_err(|p| p.status.as_u16()).err()
        };
        assert_eq!(status("text/plain", "{}"), Some(415));
        assert_eq!(status("application/json", "{"), Some(400));
        assert_eq!(status("application/json", "[]"), Some(422));
        assert_eq!(status("application/xml", "<a"), Some(400));
        assert_eq!(
            status("application/xml", "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>"),
            Some(400),
            "no entities of its own"
        );
        assert_eq!(status("application/json", "{}"), None);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/xml".parse().unwrap());
        let list = |text: &'static str| read::<Listed>(&headers, &Bytes::from(text)).map_err(|p| p.status.as_u16());
        assert_eq!(list("<a><formats><format>mp3</format></formats></a>").unwrap().formats, ["mp3"]);
        assert_eq!(list("<a></a>").err(), Some(422), "an object without its members");
        assert!(read::<Map<String, Value>>(&headers, &Bytes::from_static(b"<a/>")).unwrap().is_empty());
        assert_eq!(list("<a><formats>mp3</formats></a>").err(), Some(422), "words where elements should be");
    }
}
