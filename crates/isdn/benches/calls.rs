//! How many calls a second one D channel sets up and clears, both ends on this core.
//!
//! A call is dialled, answered and cleared while the other channels of the span are taken, as in a busy hour; what
//! `poll_timeout` costs its owner is counted in, because he asks after every input.

#![forbid(unsafe_code)]

use isdn::{Cause, ChannelChoice, Config, DChannel, Event, Number, Output, Setup, Side, Switch};
use std::time::{Duration, Instant};

const CALLS: u32 = 20_000;
const STANDING: u8 = 20;

struct Pair {
    user: Box<DChannel>,
    network: Box<DChannel>,
    now: Duration,
    channel: u8,
}

impl Pair {
    fn pump(&mut self) {
        loop {
            let mut silent = true;
            while let Some(output) = self.user.poll_output() {
                silent = false;
                match output {
                    Output::Frame(_, frame) => self.network.handle_frame(self.now, frame),
                    Output::Event(Event::Incoming { call, .. }) => {
                        self.user.proceed(self.now, call, self.channel).expect("new");
                        self.user.connect(self.now, call).expect("not answered");
                    }
                    Output::Event(_) => {}
                }
            }
            while let Some(output) = self.network.poll_output() {
                silent = false;
                if let Output::Frame(_, frame) = output {
                    self.user.handle_frame(self.now, frame);
                }
            }
            std::hint::black_box((self.user.poll_timeout(), self.network.poll_timeout()));
            if silent {
                return;
            }
        }
    }

    fn call(&mut self) -> isdn::CallReference {
        let setup = Setup { called: Number::new("5551000"), channel: ChannelChoice::Any, ..Setup::default() };
        let call = self.network.dial(self.now, &setup).expect("the link is up");
        self.pump();
        call
    }
}

fn main() {
    let end = |side| Box::new(DChannel::new(Config::new(side, Switch::Ni2, false)));
    let mut pair = Pair { user: end(Side::User), network: end(Side::Network), now: Duration::ZERO, channel: 1 };
    pair.user.start(pair.now);
    pair.network.start(pair.now);
    pair.pump();
    for channel in 1..=STANDING {
        pair.channel = channel;
        pair.call();
    }
    pair.channel = STANDING + 1;
    let begun = Instant::now();
    for _ in 0..CALLS {
        pair.now += Duration::from_millis(20);
        let call = pair.call();
        pair.network.clear(pair.now, call, Cause::user(16)).expect("it is there");
        pair.pump();
    }
    let took = begun.elapsed();
    assert_eq!(pair.network.calls().count(), usize::from(STANDING));
    println!(
        "{:.0} calls a second, {} octets a D channel",
        f64::from(CALLS) / took.as_secs_f64(),
        size_of::<DChannel>()
    );
}
