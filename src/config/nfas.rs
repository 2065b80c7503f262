//! `[[nfas]]`: spans that share a D channel, with or without a backup.
//!
//! Looks after the names in the file and what cannot be; what a group is to the signalling is [`isdn::Group`]'s.
//!
//! Data path: `[[nfas]]` and the spans it names → here → [`SharedDChannel`] for gateway, exchange and office.
//! Time: none.
//! Source: Q.931 (05/98) Annex F.1; clause 4.5.13 for the identifiers.
//! Words: in docs/GLOSSARY.md.

use super::{Card, Span, switch_name};
use hal::Line;
use isdn::{Group, LinkId};
use serde::Deserialize;

/// `[[nfas]]`
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nfas {
    /// What people call the group.
    pub name: String,
    /// Its spans as `CARD/NUMBER`, in the order of their interfaces.
    pub spans: Vec<String>,
    /// The span that has the primary D channel.
    pub primary: String,
    /// The span that has the backup D channel.
    pub backup: Option<String>,
    /// What messages call the interfaces; by default 0, 1, 2 and so on.
    pub identifiers: Option<Vec<u8>>,
}

/// Spans that share a D channel, by their numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedDChannel {
    /// What people call the group.
    pub name: String,
    /// The spans, counted from 0 over all cards, in the order of their interfaces.
    pub spans: Vec<u16>,
    /// The group as the signalling knows it.
    pub group: Group,
}

impl SharedDChannel {
    /// The span that has a D channel of the group.
    #[must_use]
    pub fn span_of(&self, link: LinkId) -> Option<u16> {
        self.group.interface_of(link).map(|interface| self.spans[usize::from(interface)])
    }

    /// Whether a span of the group has a D channel.
    #[must_use]
    pub fn has_d_channel(&self, span: u16) -> bool {
        [LinkId::Primary, LinkId::Backup].into_iter().any(|link| self.span_of(link) == Some(span))
    }
}

impl SharedDChannel {
    /// Where its D channels are.
    #[must_use]
    pub fn in_words(&self) -> String {
        let on = |link| self.span_of(link).map(|span| span + 1);
        match (on(LinkId::Primary), on(LinkId::Backup)) {
            (Some(primary), Some(backup)) => {
                format!("nfas {} has its primary on span {primary} and a backup on span {backup}", self.name)
            }
            (primary, _) => format!("nfas {} has it on span {}", self.name, primary.unwrap_or_default()),
        }
    }
}

/// The group of a span, if it shares its D channel.
#[must_use]
pub fn group_of(groups: &[SharedDChannel], span: u16) -> Option<&SharedDChannel> {
    groups.iter().find(|group| group.spans.contains(&span))
}

/// Whether a span has a D channel, its own or one that is shared.
#[must_use]
pub fn has_d_channel(groups: &[SharedDChannel], span: u16) -> bool {
    group_of(groups, span).is_none_or(|group| group.has_d_channel(span))
}

/// The groups with their spans found, or the place of the one that cannot be, and why.
pub(super) fn resolve(nfas: &[Nfas], cards: &[Card]) -> Result<Vec<SharedDChannel>, (usize, String)> {
    let mut groups: Vec<SharedDChannel> = Vec::new();
    for (place, one) in nfas.iter().enumerate() {
        let group = one.resolve(cards, &groups).map_err(|why| (place, format!("nfas \"{}\": {why}", one.name)))?;
        groups.push(group);
    }
    Ok(groups)
}

impl Nfas {
    fn resolve(&self, cards: &[Card], others: &[SharedDChannel]) -> Result<SharedDChannel, String> {
        let mut spans: Vec<u16> = Vec::new();
        let mut first: Option<(&str, &Span)> = None;
        for name in &self.spans {
            let (number, span) = find(cards, name).ok_or_else(|| unknown(name))?;
            if spans.contains(&number) {
                return Err(format!("span \"{name}\" is named twice"));
            }
            if let Some(other) = group_of(others, number) {
                return Err(format!("span \"{name}\" is in nfas \"{}\" already", other.name));
            }
            match first {
                Some((known, about)) => agree(known, about, name, span)?,
                None => first = Some((name, span)),
            }
            spans.push(number);
        }
        let Some((_, span)) = first else { return Err("it has no spans".to_owned()) };
        let interface = |key: &str, name: &str| {
            let place = self.spans.iter().position(|span| span == name);
            place.and_then(|place| u8::try_from(place).ok()).ok_or(format!("{key} = \"{name}\" is none of its spans"))
        };
        let primary = interface("primary", &self.primary)?;
        let backup = self.backup.as_ref().map(|name| interface("backup", name)).transpose()?;
        let identifiers = match &self.identifiers {
            Some(given) if given.len() != spans.len() => {
                return Err(format!("it has {} spans and {} identifiers", spans.len(), given.len()));
            }
            Some(given) => given.clone(),
            None => (0u8..).take(spans.len()).collect(),
        };
        let group = Group::new(&identifiers, primary, backup).map_err(|e| e.to_string())?;
        let config = isdn::Config::new(isdn::Side::User, span.switch, span.line == Line::E1);
        config.with_group(group).map_err(|e| e.to_string())?;
        Ok(SharedDChannel { name: self.name.clone(), spans, group })
    }
}

/// What spans of one D channel have to have in common.
fn agree(known: &str, about: &Span, name: &str, span: &Span) -> Result<(), String> {
    let differ = |what: &str| Err(format!("spans \"{known}\" and \"{name}\" share a D channel, but differ in {what}"));
    if about.line != span.line {
        return differ("line");
    }
    if about.switch != span.switch {
        return differ(&format!("switch ({} and {})", switch_name(about.switch), switch_name(span.switch)));
    }
    if about.service_messages != span.service_messages {
        return differ("service_messages");
    }
    if about.out_of_service != span.out_of_service {
        return differ("out_of_service");
    }
    if about.far_end != span.far_end {
        return differ("far_end");
    }
    Ok(())
}

fn unknown(name: &str) -> String {
    format!("there is no span \"{name}\": a span is named by its card and its place on it, counted from 1: \"soft0/1\"")
}

/// A span by its name: its number over all cards, from 0, and what is configured.
fn find<'a>(cards: &'a [Card], name: &str) -> Option<(u16, &'a Span)> {
    let (card, place) = name.rsplit_once('/')?;
    let place = place.parse::<usize>().ok()?.checked_sub(1)?;
    let before = cards.iter().take_while(|known| known.name != card).map(|known| known.spans.len()).sum::<usize>();
    let span = cards.iter().find(|known| known.name == card)?.spans.get(place)?;
    Some((u16::try_from(before + place).ok()?, span))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn text(switches: &[&str], nfas: &str) -> String {
        let mut text = "[[card]]\nboard = \"loopback\"\nname = \"c\"\n".to_owned();
        for switch in switches {
            text += &format!("[[card.span]]\nline = \"T1\"\nfar_end = \"exchange\"\nswitch = \"{switch}\"\n");
        }
        text + "[[nfas]]\nname = \"east\"\n" + nfas
    }

    fn refused(text: &str) -> String {
        Config::parse(text).expect_err("it cannot be")
    }

    const TWO: &str = "spans = [\"c/1\", \"c/2\"]\nprimary = \"c/1\"\n";

    fn groups(text: &str) -> Vec<SharedDChannel> {
        let config: Config = toml::from_str(text).expect("it is read");
        resolve(&config.nfas, &config.cards).expect("it can be")
    }

    #[test]
    fn a_group_is_read() {
        let given = "spans = [\"c/3\", \"c/2\"]\nprimary = \"c/2\"\nbackup = \"c/3\"\n";
        let all = groups(&text(&["ni2"; 3], given));
        assert_eq!((all.len(), &all[0].spans[..]), (1, &[2, 1][..]));
        assert_eq!(all[0].group.identifiers(), [0, 1]);
        assert_eq!((all[0].span_of(LinkId::Primary), all[0].span_of(LinkId::Backup)), (Some(1), Some(2)));
        let all = groups(&text(&["4ess"; 2], &format!("{TWO}identifiers = [5, 9]\n")));
        assert_eq!(all[0].group.identifiers(), [5, 9]);
        assert!(all[0].has_d_channel(0) && !all[0].has_d_channel(1));
        assert_eq!(all[0].in_words(), "nfas east has it on span 1");
    }

    #[test]
    fn what_cannot_be_is_said_with_its_line() {
        for (nfas, why) in [
            ("spans = [\"c/1\", \"c/9\"]\nprimary = \"c/1\"\n", "no span \"c/9\""),
            ("spans = [\"c/1\", \"soft\"]\nprimary = \"c/1\"\n", "no span \"soft\""),
            ("spans = [\"c/1\", \"c/0\"]\nprimary = \"c/1\"\n", "no span \"c/0\""),
            ("spans = [\"c/1\", \"c/1\"]\nprimary = \"c/1\"\n", "named twice"),
            ("spans = []\nprimary = \"c/1\"\n", "no spans"),
            ("spans = [\"c/1\"]\nprimary = \"c/2\"\n", "primary = \"c/2\" is none of its spans"),
            ("spans = [\"c/1\"]\nprimary = \"c/1\"\nbackup = \"c/2\"\n", "backup = \"c/2\" is none of its spans"),
            ("spans = [\"c/1\", \"c/2\"]\nprimary = \"c/1\"\nbackup = \"c/1\"\n", "another interface than the primary"),
            ("spans = [\"c/1\"]\nprimary = \"c/1\"\nidentifiers = [0, 1]\n", "1 spans and 2 identifiers"),
            ("spans = [\"c/1\", \"c/2\"]\nprimary = \"c/1\"\nidentifiers = [3, 3]\n", "used twice"),
        ] {
            let said = refused(&text(&["ni2"; 2], nfas));
            assert!(said.contains("line 13") && said.contains("nfas \"east\"") && said.contains(why), "{said}");
        }
    }

    #[test]
    fn only_variants_that_have_it_share_a_d_channel() {
        for switch in ["ni2", "4ess", "dms100"] {
            assert_eq!(groups(&text(&[switch; 2], TWO)).len(), 1);
        }
        for switch in ["5ess", "euroisdn", "qsig"] {
            let said = refused(&text(&[switch; 2], TWO));
            assert!(said.contains(switch) && said.contains("ni2, 4ess and dms100 have"), "{said}");
        }
        let e1 = refused(&text(&["ni2"; 2], TWO).replace("T1", "E1"));
        assert!(e1.contains("only T1 spans"), "{e1}");
    }

    #[test]
    fn spans_of_a_group_agree_and_are_in_no_other() {
        let said = refused(&text(&["ni2", "dms100"], TWO));
        assert!(said.contains("differ in switch (ni2 and dms100)"), "{said}");
        let mixed = text(&["ni2"; 2], TWO).replacen("T1", "E1", 1);
        assert!(refused(&mixed).contains("differ in line"));
        for key in ["service_messages = true", "out_of_service = \"alarm\"", "far_end = \"socket\"\nsocket = \"/a\""] {
            let name = key.split(' ').next().unwrap_or_default();
            let one = text(&["ni2"; 2], TWO);
            let one = if name == "far_end" {
                one.replacen("far_end = \"exchange\"", key, 1)
            } else {
                one.replacen("switch =", &format!("{key}\nswitch ="), 1)
            };
            assert!(refused(&one).contains(&format!("differ in {name}")), "{key}");
        }
        let twice = text(&["ni2"; 2], TWO) + "[[nfas]]\nname = \"west\"\nspans = [\"c/2\"]\nprimary = \"c/2\"\n";
        let said = refused(&twice);
        assert!(said.contains("line 17") && said.contains("in nfas \"east\" already"), "{said}");
    }
}
