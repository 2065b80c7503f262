//! Small XML documents: a tree of elements with attributes and text.
//!
//! What `event-info.xml` needs of XML and no more: comments, processing instructions and document types
//! are passed over, entities other than the five predefined are refused, so that a document can neither
//! refer to anything outside nor grow when it is read. Text beside child elements is dropped.
//!
//! Source: XML 1.0 (fifth edition), clauses 2.2 for characters and 4.6 for predefined entities.

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::escape::{escape, resolve_predefined_entity};
use quick_xml::events::{BytesStart, Event};
use std::fmt;

/// Elements within elements; `event-info.xml` has three levels.
const DEEPEST: usize = 16;

/// An element, with its children or its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Element {
    /// Its name.
    pub name: String,
    /// Names and values.
    pub attributes: Vec<(String, String)>,
    /// The elements in it.
    pub children: Vec<Element>,
    /// Without white space around it; none beside children.
    pub text: String,
}

/// A text that is not such a document.
#[derive(Clone, Debug)]
pub struct XmlError {
    /// The line it was noticed in, counted from 1.
    pub line: usize,
    /// What is wrong, in words.
    pub what: String,
}

impl fmt::Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl Element {
    /// An element with text.
    pub fn text(name: &str, text: impl fmt::Display) -> Element {
        Element { name: name.to_owned(), text: text.to_string(), ..Element::default() }
    }

    /// An element with children.
    pub fn parent(name: &str, children: Vec<Element>) -> Element {
        Element { name: name.to_owned(), children, ..Element::default() }
    }

    /// The same with an attribute more.
    pub fn with(mut self, name: &str, value: impl fmt::Display) -> Element {
        self.attributes.push((name.to_owned(), value.to_string()));
        self
    }

    /// The value of an attribute.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The whole document, with this as its root.
    pub fn to_document(&self) -> String {
        let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        self.write(&mut out, 0);
        out
    }

    fn write(&self, out: &mut String, depth: usize) {
        let indent = "  ".repeat(depth);
        out.push_str(&indent);
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            // Line ends and tabulators in attributes would be read back as spaces.
            let value = characters(value).replace(['\n', '\t'], " ");
            out.push_str(&format!(" {name}=\"{}\"", escape(value)));
        }
        if !self.children.is_empty() {
            out.push_str(">\n");
            self.children.iter().for_each(|child| child.write(out, depth + 1));
            out.push_str(&format!("{indent}</{}>\n", self.name));
        } else if self.text.is_empty() {
            out.push_str("/>\n");
        } else {
            out.push_str(&format!(">{}</{}>\n", escape(characters(&self.text)), self.name));
        }
    }

    /// Reads a document; its root.
    pub fn parse(document: &str) -> Result<Element, XmlError> {
        let mut reader = Reader::from_str(document.trim_start_matches('\u{feff}'));
        reader.config_mut().expand_empty_elements = true;
        // Elements begun and not ended yet, outermost first.
        let mut open: Vec<Element> = Vec::new();
        let mut root = None;
        loop {
            let event = reader.read_event();
            let place = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
            let fail = |what: String| {
                let before = document.as_bytes().iter().take(place);
                XmlError { line: 1 + before.filter(|&&b| b == b'\n').count(), what }
            };
            match event.map_err(|error| fail(error.to_string()))? {
                Event::Start(_) if root.is_some() => return Err(fail("more than one root element".to_owned())),
                Event::Start(_) if open.len() == DEEPEST => {
                    return Err(fail(format!("elements nested more than {DEEPEST} deep")));
                }
                Event::Start(start) => open.push(begin(&start).map_err(fail)?),
                Event::End(_) => {
                    let Some(mut element) = open.pop() else { return Err(fail("an end without a start".to_owned())) };
                    element.text =
                        if element.children.is_empty() { element.text.trim().to_owned() } else { String::new() };
                    match open.last_mut() {
                        Some(parent) => parent.children.push(element),
                        None => root = Some(element),
                    }
                }
                Event::Text(text) => add_text(&mut open, &text.xml10_content()).map_err(fail)?,
                Event::CData(text) => add_text(&mut open, &text.xml10_content()).map_err(fail)?,
                Event::GeneralRef(reference) => {
                    let character = reference.resolve_char_ref().map_err(|error| fail(error.to_string()))?;
                    let mut buffer = [0; 4];
                    let text = match character {
                        Some(character) => Some(&*character.encode_utf8(&mut buffer)),
                        None => resolve_predefined_entity(&reference.xml10_content()),
                    };
                    let text = text.ok_or_else(|| fail("an entity that is not predefined".to_owned()))?;
                    add_text(&mut open, text).map_err(fail)?;
                }
                Event::Eof => {
                    return match (root, open.last()) {
                        (_, Some(element)) => Err(fail(format!("<{}> has no end", element.name))),
                        (Some(root), None) => Ok(root),
                        (None, None) => Err(fail("there is no element".to_owned())),
                    };
                }
                Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => {}
            }
        }
    }
}

fn begin(start: &BytesStart) -> Result<Element, String> {
    let mut element = Element { name: start.name().as_ref().to_owned(), ..Element::default() };
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string())?;
        element.attributes.push((attribute.key.as_ref().to_owned(), value.into_owned()));
    }
    Ok(element)
}

fn add_text(open: &mut [Element], text: &str) -> Result<(), String> {
    match open.last_mut() {
        Some(element) => element.text.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err("text outside the root element".to_owned()),
    }
    Ok(())
}

/// Text without the characters that XML cannot express, not even escaped. A carriage return would be read
/// back as a line end.
pub fn characters(text: &str) -> String {
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .replace(|c: char| matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}'), "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn what(document: &str) -> String {
        Element::parse(document).unwrap_err().to_string()
    }

    #[test]
    fn a_tree_is_read() {
        let document = "\u{feff}<?xml version='1.0'?>\n<!DOCTYPE a>\n<!-- c --><a x='1 &lt; 2'>\n  <b>Grüße &amp; &#75;&#x75;ss</b>\n  \
                        stray <c/>\n  <d><![CDATA[<raw>]]></d></a>\n";
        let expected = Element::parent(
            "a",
            vec![Element::text("b", "Grüße & Kuss"), Element::text("c", ""), Element::text("d", "<raw>")],
        );
        assert_eq!(Element::parse(document).unwrap(), expected.with("x", "1 < 2"));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        assert_eq!(what(""), "line 1: there is no element");
        assert_eq!(what("<a>\n<b>\n"), "line 3: <b> has no end");
        assert_eq!(what("<a/>\n<b/>"), "line 2: more than one root element");
        assert_eq!(what("text"), "line 1: text outside the root element");
        assert_eq!(what("<a>&secret;</a>"), "line 1: an entity that is not predefined");
        assert!(what("<a>\n</b>").starts_with("line 2: "));
        assert!(what("<a x=1/>").starts_with("line 1: "));
        assert!(what(&"<a>".repeat(100_000)).contains("nested more than"));
    }

    /// The classic bomb of entities within entities is neither expanded nor believed.
    #[test]
    fn entities_are_not_expanded() {
        let bomb = "<!DOCTYPE a [<!ENTITY x \"xxxxxxxxxx\"><!ENTITY y \"&x;&x;&x;&x;\">]><a>&y;</a>";
        assert_eq!(what(bomb), "line 1: an entity that is not predefined");
    }

    proptest! {
        #[test]
        fn any_text_is_written_and_read_back(text in ".{0,40}|[\\x00-\\x20<>&\"']{0,20}", value in ".{0,20}") {
            let element = Element::parent("a", vec![Element::text("b", &text).with("v", &value)]);
            let read = Element::parse(&element.to_document()).unwrap();
            let (text, value) = (characters(&text), characters(&value).replace(['\n', '\t'], " "));
            prop_assert_eq!(&read.children[0].text, text.trim());
            prop_assert_eq!(read.children[0].attribute("v"), Some(value.as_str()));
        }

        #[test]
        fn any_document_is_answered(document in "[<>/a-c=\"'&;! \\-\\[\\]?#x0-9]{0,60}|.{0,60}") {
            if let Ok(element) = Element::parse(&document) {
                prop_assert!(Element::parse(&element.to_document()).is_ok());
            }
        }
    }
}
