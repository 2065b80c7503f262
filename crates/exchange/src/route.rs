//! Trunk groups, and the order in which their channels are hunted.
//!
//! Looks after which span a call is offered to next and what a refusal means for that; which channels
//! are free is the switch's knowledge ([`crate::switch`]).
//!
//! Data path: dialled number → [`find_group`] → [`Hunt`] → one (span, channel) after another.
//! Time: none.
//! Source: the order is that of exchanges in service: lowest free channel first, then the next span, card
//! and server. What a cause does to it: ITU-T Q.850 clause 2.2.7, and the practice that capacity
//! causes are routed around while 17 and 21 are the called party's own answer.
//! Words: *server*, one gateway machine with its cards; *trunk group*, the servers that one range of numbers
//! is routed to, in order.

use hal::{Line, Timeslot};

/// A span of the exchange, counted from 0 over all its cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SpanId(pub usize);

impl std::fmt::Display for SpanId {
    /// As people count: from 1.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0 + 1)
    }
}

/// One machine at the far end: its cards in hunting order, each with its spans in hunting order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    /// What people call it.
    pub name: String,
    /// Spans by card.
    pub cards: Vec<Vec<SpanId>>,
}

/// Where calls to a range of numbers go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrunkGroup {
    /// What people call it.
    pub name: String,
    /// Beginnings of the numbers routed here; an empty one takes every number.
    pub prefixes: Vec<String>,
    /// The servers, first choice first.
    pub servers: Vec<Server>,
}

impl TrunkGroup {
    /// A group that takes every number.
    #[must_use]
    pub fn for_all(name: &str, servers: Vec<Server>) -> TrunkGroup {
        TrunkGroup { name: name.to_owned(), prefixes: vec![String::new()], servers }
    }

    /// Its spans in hunting order: all of a card, then the next card, then the next server.
    pub fn spans(&self) -> impl Iterator<Item = SpanId> + '_ {
        self.servers.iter().flat_map(|server| server.cards.iter().flatten().copied())
    }
}

/// The group a number is routed to: the one with the longest matching prefix, the earlier of equals.
#[must_use]
pub fn find_group(groups: &[TrunkGroup], called: &str) -> Option<usize> {
    let mut best: Option<(usize, usize)> = None;
    for (index, group) in groups.iter().enumerate() {
        let longest = group.prefixes.iter().filter(|p| called.starts_with(p.as_str())).map(String::len).max();
        if let Some(length) = longest
            && best.is_none_or(|(_, so_far)| length > so_far)
        {
            best = Some((index, length));
        }
    }
    best.map(|(index, _)| index)
}

/// What the exchange does when an offered call is refused before it rang.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reaction {
    /// Offer it on another channel of the same span.
    NextChannel,
    /// Leave this span out and go on with the next.
    NextSpan,
    /// Tell the caller.
    Final,
}

/// What a refusal with this Q.850 cause value means for hunting.
#[must_use]
pub fn reaction_to(cause: u8) -> Reaction {
    match cause {
        // Requested circuit/channel not available: only this one is meant.
        44 => Reaction::NextChannel,
        // No circuit; destination out of order; network out of order; temporary failure; congestion;
        // resource unavailable. They speak of equipment, not of the called party.
        34 | 27 | 38 | 41 | 42 | 47 => Reaction::NextSpan,
        _ => Reaction::Final,
    }
}

/// How far a call has come in its group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hunt {
    spans: Vec<SpanId>,
    at: usize,
    /// Channels of the present span that were refused: bit n-1 stands for channel n.
    refused: u32,
    offers_left: u32,
}

impl Hunt {
    /// Begin at the first span of a group; at most `offers` SETUPs will be sent for the call.
    #[must_use]
    pub fn new(group: &TrunkGroup, offers: u32) -> Hunt {
        Hunt { spans: group.spans().collect(), at: 0, refused: 0, offers_left: offers }
    }

    /// Never offer on this channel of the present span again.
    pub fn leave_channel(&mut self, channel: Timeslot) {
        self.refused |= bit(channel);
    }

    /// Go on with the next span.
    pub fn leave_span(&mut self) {
        self.at += 1;
        self.refused = 0;
    }

    /// The next place to offer the call. `free` says which channels of a span could take it now (bit n-1
    /// for channel n; none when the span is down). `None` when the group is exhausted.
    pub fn next(&mut self, mut free: impl FnMut(SpanId) -> u32) -> Option<(SpanId, Timeslot)> {
        if self.offers_left == 0 {
            return None;
        }
        while let Some(&span) = self.spans.get(self.at) {
            let candidates = free(span) & !self.refused;
            if candidates != 0 {
                self.offers_left -= 1;
                // At most 31, because a span has at most 31 timeslots.
                return Some((span, Timeslot(candidates.trailing_zeros() as u8 + 1)));
            }
            self.leave_span();
        }
        None
    }
}

/// The bit that stands for a channel in a set of channels of one span.
#[must_use]
pub fn bit(channel: Timeslot) -> u32 {
    match channel.0 {
        n @ 1..=32 => 1 << (n - 1),
        _ => 0,
    }
}

/// The set of all bearer channels of a line, which has a D channel of its own or not.
#[must_use]
pub fn bearers(line: Line, d_channel: bool) -> u32 {
    line.bearers_beside(d_channel).fold(0, |set, channel| set | bit(channel))
}

/// The channels of a set, lowest first.
pub fn channels(set: u32) -> impl Iterator<Item = Timeslot> {
    (1..=32).map(Timeslot).filter(move |channel| set & bit(*channel) != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(name: &str, prefix: &str) -> TrunkGroup {
        TrunkGroup { name: name.into(), prefixes: vec![prefix.into()], servers: Vec::new() }
    }

    #[test]
    fn the_longest_prefix_wins_and_the_earlier_of_equals() {
        let groups = [group("all", ""), group("one", "555"), group("two", "5551"), group("again", "5551")];
        assert_eq!(find_group(&groups, "5551234"), Some(2));
        assert_eq!(find_group(&groups, "5559999"), Some(1));
        assert_eq!(find_group(&groups, "1"), Some(0));
        assert_eq!(find_group(&groups[1..], "1"), None);
    }

    #[test]
    fn a_hunt_goes_up_the_channels_then_over_cards_and_servers() {
        let servers = vec![
            Server { name: "a".into(), cards: vec![vec![SpanId(2), SpanId(0)], vec![SpanId(1)]] },
            Server { name: "b".into(), cards: vec![vec![SpanId(3)]] },
        ];
        let mut hunt = Hunt::new(&TrunkGroup::for_all("g", servers), 100);
        // Span 0 is down; on the others channels 3 and 5 are free.
        let free = |span: SpanId| if span.0 == 0 { 0 } else { 0b1_0100 };
        assert_eq!(hunt.next(free), Some((SpanId(2), Timeslot(3))));
        hunt.leave_channel(Timeslot(3));
        assert_eq!(hunt.next(free), Some((SpanId(2), Timeslot(5))));
        hunt.leave_channel(Timeslot(5));
        assert_eq!(hunt.next(free), Some((SpanId(1), Timeslot(3))), "the refusals were those of another span");
        hunt.leave_span();
        assert_eq!(hunt.next(free), Some((SpanId(3), Timeslot(3))));
        hunt.leave_span();
        assert_eq!(hunt.next(free), None);
    }

    #[test]
    fn a_hunt_offers_no_more_often_than_allowed() {
        let servers = vec![Server { name: "a".into(), cards: vec![vec![SpanId(0)]] }];
        let mut hunt = Hunt::new(&TrunkGroup::for_all("g", servers), 2);
        assert!(hunt.next(|_| 1).is_some());
        assert!(hunt.next(|_| 1).is_some());
        assert_eq!(hunt.next(|_| 1), None);
    }

    #[test]
    fn capacity_is_routed_around_and_the_called_partys_word_is_final() {
        assert_eq!(reaction_to(44), Reaction::NextChannel);
        for cause in [34, 42, 41, 47, 38, 27] {
            assert_eq!(reaction_to(cause), Reaction::NextSpan, "cause {cause}");
        }
        for cause in [1, 3, 16, 17, 18, 19, 21, 28, 58, 65, 88, 102, 127] {
            assert_eq!(reaction_to(cause), Reaction::Final, "cause {cause}");
        }
    }

    #[test]
    fn every_bearer_has_a_bit_and_the_d_channel_none() {
        assert_eq!(bearers(Line::T1, true), 0x007f_ffff);
        assert_eq!(bearers(Line::T1, false), 0x00ff_ffff);
        assert_eq!(bearers(Line::E1, true), 0x7fff_7fff);
        assert_eq!(bit(Timeslot(0)), 0);
        assert_eq!(bit(Timeslot(200)), 0);
    }
}
