//! Notices from the daemon to everybody who watches, with a bounded queue for each.
//!
//! Data path: daemon → [`NoticeHub::publish`] → one queue a watcher → [`Subscription`] → its connection.
//! Time: publishing never waits. A watcher whose queue is full is let go: it gets what was queued, then
//! the end, and knows that it missed something.

use crate::{Notice, WatchEnd};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Takes notices and hands each to all subscriptions. Clones are the same hub.
#[derive(Clone, Debug)]
pub struct NoticeHub {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: usize,
    watchers: Mutex<Watchers>,
}

#[derive(Debug, Default)]
struct Watchers {
    senders: Vec<SyncSender<Message>>,
    closed: bool,
}

/// A notice; the end of a queue is the loss of its sender.
type Message = Arc<Notice>;

/// What a watcher gets.
#[derive(Debug)]
pub struct Subscription {
    receiver: Receiver<Message>,
    shared: Arc<Shared>,
}

impl NoticeHub {
    /// A hub whose watchers may lag behind by so many notices (at least one).
    #[must_use]
    pub fn new(queue: usize) -> NoticeHub {
        NoticeHub { shared: Arc::new(Shared { queue: queue.max(1), watchers: Mutex::default() }) }
    }

    /// Hand a notice to everybody. Never waits.
    pub fn publish(&self, notice: Notice) {
        let notice = Arc::new(notice);
        self.shared.lock().senders.retain(|sender| match sender.try_send(notice.clone()) {
            Ok(()) => true,
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => false,
        });
    }

    /// Everything published from now on.
    #[must_use]
    pub fn subscribe(&self) -> Subscription {
        let (sender, receiver) = sync_channel(self.shared.queue);
        let mut watchers = self.shared.lock();
        if !watchers.closed {
            watchers.senders.push(sender);
        }
        Subscription { receiver, shared: self.shared.clone() }
    }

    /// No more notices: every subscription ends with [`WatchEnd::Shutdown`] after what is queued.
    pub fn close(&self) {
        let mut watchers = self.shared.lock();
        watchers.closed = true;
        watchers.senders.clear();
    }

    /// How many watch. One that went away is counted until the next notice.
    #[must_use]
    pub fn watchers(&self) -> usize {
        self.shared.lock().senders.len()
    }
}

impl Shared {
    /// The list is whole at every moment, so a panic elsewhere does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Watchers> {
        self.watchers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Subscription {
    /// The next notice; `None` when there was none within `wait`.
    ///
    /// # Errors
    /// Why no more will come.
    pub fn next(&self, wait: Duration) -> Result<Option<Arc<Notice>>, WatchEnd> {
        match self.receiver.recv_timeout(wait) {
            Ok(notice) => Ok(Some(notice)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) if self.shared.lock().closed => Err(WatchEnd::Shutdown),
            Err(RecvTimeoutError::Disconnected) => Err(WatchEnd::Slow),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::ZERO;

    fn notice(text: &str) -> Notice {
        Notice { text: text.into(), ..Notice::default() }
    }

    #[test]
    fn everybody_hears_everything_in_order() {
        let hub = NoticeHub::new(4);
        let (one, other) = (hub.subscribe(), hub.subscribe());
        hub.publish(notice("first"));
        hub.publish(notice("second"));
        for subscription in [&one, &other] {
            for text in ["first", "second"] {
                assert_eq!(subscription.next(NOW).expect("open").expect("queued").text, text);
            }
            assert_eq!(subscription.next(NOW), Ok(None));
        }
    }

    #[test]
    fn the_slow_one_is_let_go_and_told_while_the_others_go_on() {
        let hub = NoticeHub::new(2);
        let (slow, quick) = (hub.subscribe(), hub.subscribe());
        for text in ["1", "2", "3"] {
            hub.publish(notice(text));
            assert_eq!(quick.next(NOW).expect("open").expect("queued").text, text);
        }
        assert_eq!(hub.watchers(), 1);
        assert_eq!(slow.next(NOW).expect("what was queued").expect("queued").text, "1");
        assert_eq!(slow.next(NOW).expect("what was queued").expect("queued").text, "2");
        assert_eq!(slow.next(NOW), Err(WatchEnd::Slow));
    }

    #[test]
    fn at_the_end_nobody_is_called_slow() {
        let hub = NoticeHub::new(2);
        let early = hub.subscribe();
        hub.publish(notice("last"));
        hub.close();
        assert_eq!(early.next(NOW).expect("queued").expect("queued").text, "last");
        assert_eq!(early.next(NOW), Err(WatchEnd::Shutdown));
        assert_eq!(hub.subscribe().next(NOW), Err(WatchEnd::Shutdown));
    }

    #[test]
    fn who_goes_away_is_forgotten() {
        let hub = NoticeHub::new(2);
        drop(hub.subscribe());
        hub.publish(notice("to nobody"));
        assert_eq!(hub.watchers(), 0);
    }
}
