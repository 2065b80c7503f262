//! Putting an exchange together: cards, trunk groups, extensions.
//!
//! Data path: cards that were found → [`Builder`] → [`Exchange`] with its links on their way up.
//! Time: none, but for the `now` of the start.

use crate::answer::{Answer, Subscriber};
use crate::cards::RunningCard;
use crate::exchange::Exchange;
use crate::route::{Server, SpanId, TrunkGroup};
use crate::script::Script;
use crate::switch::{SpanPlan, SwitchPlan};
use crate::trunk::SharedDChannel;
use hal::{Card, ChunkLength, SpanIndex};
use std::time::Duration;

/// A number of the exchange, and what is heard there.
#[derive(Clone, Debug)]
pub struct Extension {
    /// The number; with a `*` at its end, all numbers that begin so.
    pub number: String,
    /// How it answers.
    pub answer: Answer,
    /// What whoever answers does.
    pub script: Script,
}

/// An exchange that is being put together.
pub struct Builder {
    chunk: ChunkLength,
    cards: Vec<(String, Box<dyn Card>, isdn::Switch)>,
    /// Places in `cards`.
    with_service_messages: Vec<usize>,
    groups: Option<Vec<TrunkGroup>>,
    extensions: Vec<Extension>,
    channel_preferred: bool,
    never_enquires: bool,
    shared: Vec<SharedDChannel>,
    /// Samples that are kept of what each extension hears.
    remembers: usize,
}

impl Exchange {
    /// Begin to put an exchange together; all its cards run with this chunk length.
    #[must_use]
    pub fn builder(chunk: ChunkLength) -> Builder {
        Builder {
            chunk,
            cards: Vec::new(),
            with_service_messages: Vec::new(),
            groups: None,
            extensions: Vec::new(),
            channel_preferred: false,
            never_enquires: false,
            shared: Vec::new(),
            remembers: 0,
        }
    }
}

impl Builder {
    /// Add a card whose far end is the named server and speaks this dialect. Its spans get the next
    /// [`SpanId`]s. Without trunk groups of one's own there is one group: servers in the order of their first card.
    #[must_use]
    pub fn card(mut self, server: &str, card: Box<dyn Card>, switch: isdn::Switch) -> Builder {
        self.cards.push((server.to_owned(), card, switch));
        self
    }

    /// Have service messages on the spans of the card added last, where their dialect has them; the far end must have them
    /// too.
    #[must_use]
    pub fn with_service_messages(mut self) -> Builder {
        self.with_service_messages.extend(self.cards.len().checked_sub(1));
        self
    }

    /// Let these spans share a D channel; the far end must do so too.
    #[must_use]
    pub fn shared_d_channel(mut self, shared: SharedDChannel) -> Builder {
        self.shared.push(shared);
        self
    }

    /// Route by these groups instead.
    #[must_use]
    pub fn groups(mut self, groups: Vec<TrunkGroup>) -> Builder {
        self.groups = Some(groups);
        self
    }

    /// Add a number that the far end can call.
    #[must_use]
    pub fn extension(mut self, extension: Extension) -> Builder {
        self.extensions.push(extension);
        self
    }

    /// Name channels as preferred rather than exclusive when offering calls.
    #[must_use]
    pub fn prefer_channels(mut self) -> Builder {
        self.channel_preferred = true;
        self
    }

    /// Never ask about calls when a link is back; see [`SwitchPlan::never_enquires`].
    #[must_use]
    pub fn never_enquire(mut self) -> Builder {
        self.never_enquires = true;
        self
    }

    /// Keep what extensions hear, so many samples of each call: it is taken with [`Exchange::take_ended`].
    #[must_use]
    pub fn remember(mut self, samples: usize) -> Builder {
        self.remembers = samples;
        self
    }

    /// Start the cards and bring their links up. `now` is on the clock that is given to [`Exchange::tick`].
    ///
    /// # Errors
    /// That of the first card that does not start.
    pub fn start(self, now: Duration) -> Result<Exchange, hal::Error> {
        let mut spans = Vec::new();
        let mut servers: Vec<Server> = Vec::new();
        let mut cards = Vec::new();
        let mut with_service_messages = Vec::new();
        for (place, (server, mut card, switch)) in self.cards.into_iter().enumerate() {
            let first = spans.len();
            for (index, span) in (0u8..).zip(first..first + card.spans().len()) {
                if self.shared.iter().any(|shared| shared.lacks_d_channel(SpanId(span))) {
                    card.without_d_channel(SpanIndex(index))?;
                }
            }
            let name = card.name().to_owned();
            spans.extend(card.spans().iter().map(|span| SpanPlan { line: span.line, switch }));
            let running = card.start(self.chunk)?;
            let ids: Vec<SpanId> = (first..spans.len()).map(SpanId).collect();
            if self.with_service_messages.contains(&place) {
                with_service_messages.extend(&ids);
            }
            match servers.iter_mut().find(|known| known.name == server) {
                Some(known) => known.cards.push(ids),
                None => servers.push(Server { name: server, cards: vec![ids] }),
            }
            let lines = spans[first..].iter().map(|span: &SpanPlan| span.line);
            cards.push(RunningCard::new(name, running, SpanId(first), lines));
        }
        let subscribers = self.extensions.iter();
        let plan = SwitchPlan {
            spans,
            groups: self.groups.unwrap_or_else(|| vec![TrunkGroup::for_all("all", servers)]),
            subscribers: subscribers.map(|e| Subscriber { number: e.number.clone(), answer: e.answer }).collect(),
            channel_preferred: self.channel_preferred,
            never_enquires: self.never_enquires,
            shared: self.shared,
        };
        let exchange = Exchange::begin(now, self.chunk, plan, &with_service_messages, cards, self.extensions);
        Ok(exchange.remembering(self.remembers))
    }
}
