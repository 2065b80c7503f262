//! The connection of the full-screen view: asks once a second, carries out orders, comes back when the daemon does.
//!
//! A thread of its own, so that a daemon that hangs does not freeze the keys. An order goes over the connection it was
//! given on or not at all.
//!
//! Time: a beat a second, and at once after an order.

use super::state::{Event, Order, Snapshot};
use crate::failure::Failure;
use crate::words;
use control::{Client, ClientError};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How often the daemon is asked.
const BEAT: Duration = Duration::from_secs(1);

/// The thread's two ends.
pub struct Link {
    pub orders: Sender<Order>,
    pub events: Receiver<Event>,
}

/// The view is gone.
struct Gone;

impl Link {
    /// Start the thread. It ends when the view does.
    pub fn start(client: Client) -> Link {
        let (order_sender, orders) = channel();
        let (event_sender, events) = channel();
        let path = client.path().to_owned();
        let worker = Worker { client: Some(client), path, span: 1, events: event_sender };
        std::thread::spawn(move || worker.run(&orders));
        Link { orders: order_sender, events }
    }
}

struct Worker {
    client: Option<Client>,
    /// Always the same daemon, not whichever answers first after a restart.
    path: PathBuf,
    /// The span whose channels are asked for.
    span: u16,
    events: Sender<Event>,
}

impl Worker {
    fn run(mut self, orders: &Receiver<Order>) {
        while self.ask().is_ok() {
            match orders.recv_timeout(BEAT) {
                Ok(order) => {
                    if self.carry_out(order).is_err() {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn ask(&mut self) -> Result<(), Gone> {
        let answer = match &mut self.client {
            Some(client) => snapshot(client, self.span),
            none => Client::connect(&self.path).and_then(|client| snapshot(none.insert(client), self.span)),
        };
        let event = match answer {
            Ok(snapshot) => Event::News(Box::new(snapshot)),
            Err(error) => self.lost(error),
        };
        self.tell(event)
    }

    fn carry_out(&mut self, order: Order) -> Result<(), Gone> {
        if let Order::Look(span) = order {
            self.span = span;
            return Ok(());
        }
        let Some(client) = &mut self.client else {
            return self.tell(Event::Done(Err("there is no connection to the daemon: nothing was done".into())));
        };
        let (event, broken) = match order {
            Order::Look(_) => return Ok(()),
            Order::Plan(wish) => {
                let (plan, broken) = answered(client.plan_suspend(wish.clone()));
                (Event::Planned(wish, plan.map(Box::new)), broken)
            }
            Order::Suspend(wish) => {
                let (done, broken) = answered(client.suspend(wish));
                (Event::Done(done.map(|info| format!("{} is suspended (number {})", info.target, info.id))), broken)
            }
            Order::Resume(wish) => {
                let (done, broken) = answered(client.resume(wish));
                (Event::Done(done.map(|done| done.text)), broken)
            }
            Order::HangUp(call) => {
                let (done, broken) = answered(client.hang_up(call));
                (Event::Done(done.map(|done| done.text)), broken)
            }
        };
        if broken {
            self.client = None;
        }
        self.tell(event)
    }

    fn tell(&self, event: Event) -> Result<(), Gone> {
        self.events.send(event).map_err(|_| Gone)
    }

    fn lost(&mut self, error: ClientError) -> Event {
        self.client = None;
        Event::Lost(match &error {
            ClientError::NoDaemon { tried } => {
                tried.first().map_or_else(String::new, |t| format!("{}: {}", t.path.display(), t.why))
            }
            _ => Failure::from(error).to_string(),
        })
    }
}

/// The answer, or what went wrong in words, and whether the connection is of no more use.
fn answered<T>(answer: Result<T, ClientError>) -> (Result<T, String>, bool) {
    match answer {
        Ok(answer) => (Ok(answer), false),
        Err(ClientError::Refused(problem)) => (Err(problem.to_string()), false),
        Err(error) => (Err(Failure::from(error).to_string()), true),
    }
}

fn snapshot(client: &mut Client, span: u16) -> Result<Snapshot, ClientError> {
    Ok(Snapshot {
        status: client.status()?,
        spans: client.spans()?,
        channels: match client.channels(Some(span)) {
            // The daemon came back with fewer spans than it had.
            Err(ClientError::Refused(_)) => Vec::new(),
            answer => answer?,
        },
        calls: client.calls()?,
        events: client.events()?,
        conferences: client.conferences()?,
        suspensions: client.suspensions()?,
        at_ms: words::now_ms(),
    })
}
