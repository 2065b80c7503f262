//! Octets read as steps. Every sequence of octets is a script, and most changes to one change one step only, so that a fuzzer
//! gets somewhere.

use isdn::{Cause, Channel, ChannelChoice, Config, Manner, Number, ServiceState, Setup, Side, Switch};

/// What is left of the octets.
pub struct Script<'a>(pub &'a [u8]);

impl<'a> Script<'a> {
    /// The next octet; `None` at the end.
    pub fn step(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// An octet that belongs to a step; 0 behind the end.
    pub fn octet(&mut self) -> u8 {
        self.step().unwrap_or(0)
    }

    /// An octet that says how many follow, and these; fewer behind the end.
    pub fn counted(&mut self) -> &'a [u8] {
        let count = usize::from(self.octet()).min(self.0.len());
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    /// A number below this bound.
    pub fn below(&mut self, bound: u8) -> u8 {
        self.octet() % bound
    }

    /// A channel number as it stands in messages; most there are, some are not.
    pub fn number(&mut self) -> u8 {
        self.octet() % 34
    }

    /// A channel; most there are, some are not, and a few are of an interface that is not there.
    pub fn channel(&mut self) -> Channel {
        let octet = self.octet();
        Channel::on(octet / 238, octet % 34)
    }

    pub fn choice(&mut self) -> ChannelChoice {
        match self.below(4) {
            0 => ChannelChoice::Any,
            1 => ChannelChoice::Preferred(self.channel()),
            2 => ChannelChoice::Exclusive(self.channel()),
            _ => ChannelChoice::None,
        }
    }

    pub fn cause(&mut self) -> Cause {
        Cause::user((self.octet() & 0x7f).max(1))
    }

    pub fn state(&mut self) -> (ServiceState, Manner) {
        let octet = self.octet();
        let state = match octet % 3 {
            0 => ServiceState::InService,
            1 => ServiceState::Maintenance,
            _ => ServiceState::OutOfService,
        };
        (state, if octet & 0x80 == 0 { Manner::Drain } else { Manner::Force })
    }

    /// A call to be placed; its number is as long as it is told.
    pub fn setup(&mut self) -> Setup {
        let channel = self.choice();
        let octet = self.octet();
        let digits = "1234567890*#1234567890*#12345678";
        Setup {
            called: Number::new(&digits[..usize::from(octet % 33)]),
            calling: (octet & 0x40 != 0).then(|| Number::new("5550100")),
            redirecting: (octet & 0x20 != 0).then(|| Number::new(digits)),
            name: (octet & 0x80 != 0).then(|| isdn::Name::new("Operator")),
            channel,
            sending_complete: octet & 0x10 != 0,
            ..Setup::default()
        }
    }

    /// The first octets: what kind of D channel this is about.
    pub fn config(&mut self) -> Config {
        let octet = self.octet();
        let side = if octet & 1 == 0 { Side::User } else { Side::Network };
        let switches = [Switch::Ni2, Switch::Ess5, Switch::Dms100, Switch::Ess4, Switch::EuroIsdn, Switch::Qsig];
        let mut config = Config::new(side, switches[usize::from(octet >> 1 & 0x0f) % 6], octet & 0x20 != 0);
        config.logical_channels |= octet & 0x40 != 0;
        if octet & 0x80 != 0 {
            config = config.with_service_messages().unwrap_or(config);
        }
        let octet = self.octet();
        config.number_length = usize::from(octet & 0x07);
        config.listen = octet & 0x08 != 0;
        config.link.k = [7, 1, 64, 7][usize::from(octet >> 4 & 0x03)];
        config.max_calls = [64, 3, 64, 64][usize::from(octet >> 6)];
        config
    }
}

/// The other end's configuration.
pub fn opposite(config: Config) -> Config {
    let opposite = Config::new(config.side.peer(), config.switch, config.e1);
    let service_messages = config.service_messages;
    Config { logical_channels: config.logical_channels, service_messages, number_length: 1, ..opposite }
}

/// The B channels there are.
pub fn channels(e1: bool) -> impl Iterator<Item = Channel> {
    (1..=if e1 { 31 } else { 23 }).filter(move |timeslot| *timeslot != 16 || !e1).map(Channel::new)
}
