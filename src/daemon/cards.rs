//! The cards of the configuration: found, described for the picture, and given their far ends where these are ours.
//!
//! Data path: `[[card]]` → a card to be started, and what is shown of its spans.
//! Time: the start of the daemon. A card with a line behind it is looked for again whenever it has gone.

use super::{Dialect, ExchangeEnd, ExchangeEnds, Failure, cards_of};
use crate::config::hardware;
use crate::config::nfas::{SharedDChannel, group_of};
use crate::config::{Board, Card as CardConfig, Config, FarEnd, Span as SpanConfig};
use crate::office::picture::{SharedPicture, SpanPicture};
use crate::office::{chain, now_ms};
use crate::realtime::ReturningCard;
use board_dahdi::{DahdiCard, Kernel};
use board_e1d::E1dCard;
use board_loopback::{FaultDesk, LoopbackCard};
use hal::{Card, Error, Slot};
use isdn::LinkId;
use std::path::PathBuf;

/// A span whose far end another program may take.
pub(super) struct Offered {
    pub(super) socket: PathBuf,
    pub(super) far_end: board_loopback::FarEnd,
}

/// A card, ready to be started.
pub(super) struct Built {
    pub(super) card: Box<dyn Card>,
    /// Where faults are put on its lines, if they are in software.
    pub(super) faults: Option<FaultDesk>,
}

/// What the cards of the configuration come to.
#[derive(Default)]
pub(super) struct Cards {
    pub(super) cards: Vec<Built>,
    pub(super) pictures: Vec<SpanPicture>,
    /// Far ends for the exchange in software.
    pub(super) exchange: ExchangeEnds,
    pub(super) offered: Vec<Offered>,
}

impl Cards {
    /// Find them all.
    pub(super) fn build(config: &Config) -> Result<Cards, Failure> {
        let mut all = Cards::default();
        let groups = config.groups();
        for card in &cards_of(config) {
            let slot: Box<dyn Slot> = match card.board {
                Board::Loopback => {
                    all.loopback(config, card, &groups);
                    continue;
                }
                Board::Dahdi => Box::new(DahdiSlot(hardware::dahdi(card))),
                Board::E1d => Box::new(E1dSlot(hardware::e1d(card))),
            };
            let found = ReturningCard::find(slot).map_err(|e| format!("card \"{}\": {}", card.name, chain(&e)))?;
            let labels: Vec<String> = found.spans().iter().map(|span| span.label.clone()).collect();
            for (span, label) in card.spans.iter().zip(labels) {
                all.picture(card, span, label, &groups);
            }
            all.cards.push(Built { card: Box::new(found), faults: None });
        }
        Ok(all)
    }

    fn loopback(&mut self, config: &Config, card: &CardConfig, groups: &[SharedDChannel]) {
        let mut builder = LoopbackCard::builder(&card.name);
        builder.delay_ms(config.realtime.tick.milliseconds() * 2);
        let mut to_exchange: Vec<(Dialect, Vec<ExchangeEnd>)> = Vec::new();
        for span in &card.spans {
            let number = self.pictures.len() as u16;
            let far_end = match span.far_end {
                // One that is missing was refused when the configuration was read.
                Some(FarEnd::Exchange) | None => {
                    let end = (number, builder.span_to_exchange(span.line));
                    let dialect = (span.switch, span.service_messages);
                    match to_exchange.iter_mut().find(|(known, _)| *known == dialect) {
                        Some((_, ends)) => ends.push(end),
                        None => to_exchange.push((dialect, vec![end])),
                    }
                    "exchange in software".to_owned()
                }
                Some(FarEnd::Socket) => {
                    let far_end = builder.span_on_socket(span.line);
                    self.offered.push(Offered { socket: span.socket.clone(), far_end });
                    format!("socket {}", span.socket.display())
                }
            };
            self.picture(card, span, far_end, groups);
        }
        let mut built = builder.build();
        let faults = Some(built.fault_desk());
        self.cards.push(Built { card: Box::new(built), faults });
        let named = |(dialect, ends)| (card.name.clone(), dialect, ends);
        self.exchange.extend(to_exchange.into_iter().map(named));
    }

    fn picture(&mut self, card: &CardConfig, span: &SpanConfig, far_end: String, groups: &[SharedDChannel]) {
        let number = self.pictures.len() as u16;
        self.pictures.push(SpanPicture {
            card: card.name.clone(),
            line: span.line,
            switch: span.switch,
            shared: group_of(groups, number).map(|group| SharedPicture {
                group: group.name.clone(),
                named_by: group.span_of(LinkId::Primary).unwrap_or(number),
                with_backup: group.span_of(LinkId::Backup).is_some(),
                link: group.has_d_channel(number).then_some(isdn::LinkState::OutOfService),
            }),
            far_end,
            service_messages: span.service_messages,
            when_out: span.when_out(),
            released: false,
            up: false,
            since_ms: now_ms(),
            alarms: hal::Alarms::empty(),
            alarms_since_ms: now_ms(),
            framing: span.framing(),
            failures: Vec::new(),
            counters: hal::Counters::default(),
            silent: false,
            link_losses: 0,
            link_resets: 0,
            frames_lost: 0,
            slips: 0,
            refused: 0,
            taken: 0,
            restarts: 0,
            frames_unsent: 0,
        });
    }
}

struct DahdiSlot(board_dahdi::CardSettings);

impl Slot for DahdiSlot {
    fn find(&mut self) -> Result<Box<dyn Card>, Error> {
        Ok(Box::new(DahdiCard::find(self.0.clone(), Box::new(Kernel::default()))?))
    }
}

struct E1dSlot(board_e1d::CardSettings);

impl Slot for E1dSlot {
    fn find(&mut self) -> Result<Box<dyn Card>, Error> {
        Ok(Box::new(E1dCard::find(self.0.clone())?))
    }
}
