//! How many listened to an event, over time.
//!
//! A point is kept when the number changes. When there are too many, every other goes: a day of a restless audience stays a
//! chart, and no event takes more room than another.
//!
//! Time: milliseconds of UTC, given by the caller.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Points of an event.
const MOST_POINTS: usize = 2048;
/// Events remembered; the one whose audience changed longest ago goes first.
const MOST_EVENTS: usize = 2000;

/// A moment, and how many listened from then on.
pub(crate) type Point = (u64, u32);

/// The audiences of all events.
#[derive(Debug, Default)]
pub(crate) struct Audiences {
    points: BTreeMap<String, Vec<Point>>,
}

impl Audiences {
    /// So many listen now. An event that nobody ever heard is not remembered.
    pub(crate) fn note(&mut self, event: &str, now_ms: u64, listeners: u32) {
        if let Some(points) = self.points.get_mut(event) {
            if points.last().is_none_or(|(_, last)| *last != listeners) {
                points.push((now_ms, listeners));
            }
            if points.len() > MOST_POINTS {
                let mut keep = false;
                points.retain(|_| {
                    keep = !keep;
                    keep
                });
            }
            return;
        }
        if listeners == 0 {
            return;
        }
        if self.points.len() >= MOST_EVENTS {
            let oldest = self.points.iter().min_by_key(|(_, points)| points.last().map(|(at, _)| *at));
            if let Some(event) = oldest.map(|(event, _)| event.clone()) {
                self.points.remove(&event);
            }
        }
        self.points.insert(event.to_owned(), vec![(now_ms, listeners)]);
    }

    /// The points of an event, the oldest first.
    pub(crate) fn of(&self, event: &str) -> &[Point] {
        self.points.get(event).map_or(&[], Vec::as_slice)
    }
}

/// The most at a time.
pub(crate) fn peak(points: &[Point]) -> u32 {
    points.iter().map(|(_, listeners)| *listeners).max().unwrap_or(0)
}

/// Width and height of the chart, without its words.
const WIDTH: f64 = 600.0;
const HEIGHT: f64 = 120.0;

/// The steps of the audience as the points of a line, for a chart of 600 by 120 that ends now.
pub(crate) fn steps(points: &[Point], now_ms: u64) -> String {
    let Some(((first, _), most)) = points.first().map(|first| (first, peak(points))) else {
        return String::new();
    };
    let span = now_ms.saturating_sub(*first).max(1) as f64;
    let x = |at: u64| (at.saturating_sub(*first)) as f64 / span * WIDTH;
    let y = |n: u32| HEIGHT - f64::from(n) / f64::from(most.max(1)) * HEIGHT;
    let mut line = format!("0,{HEIGHT:.0}");
    let points: Vec<&Point> = points.iter().step_by(points.len().div_ceil(MOST_POINTS)).collect();
    for (place, (at, listeners)) in points.iter().enumerate() {
        let until = points.get(place + 1).map_or(now_ms, |(at, _)| *at);
        let _ = write!(line, " {:.1},{y:.1} {:.1},{y:.1}", x(*at), x(until), y = y(*listeners));
    }
    let _ = write!(line, " {WIDTH:.0},{HEIGHT:.0}");
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_kept_and_the_peak_is_the_greatest() {
        let mut audiences = Audiences::default();
        for (at, listeners) in [(1, 0), (2, 3), (3, 3), (4, 9), (5, 1), (6, 9)] {
            audiences.note("1", at, listeners);
        }
        assert_eq!(audiences.of("1"), [(2, 3), (4, 9), (5, 1), (6, 9)]);
        assert_eq!((peak(audiences.of("1")), peak(audiences.of("2"))), (9, 0));
    }

    #[test]
    fn neither_a_restless_audience_nor_many_events_grow_without_end() {
        let mut audiences = Audiences::default();
        for at in 0..100_000u64 {
            audiences.note("1", at, 1 + (at % 2) as u32);
        }
        assert!(audiences.of("1").len() <= MOST_POINTS && audiences.of("1")[0].0 == 0);
        for event in 0..MOST_EVENTS + 5 {
            audiences.note(&format!("e{event}"), 200_000 + event as u64, 1);
        }
        assert_eq!(audiences.points.len(), MOST_EVENTS);
        assert!(audiences.of("1").is_empty(), "the one that changed longest ago has gone");
    }

    #[test]
    fn the_chart_has_steps_and_ends_now() {
        assert_eq!(steps(&[(0, 1), (50, 2)], 100), "0,120 0.0,60.0 300.0,60.0 300.0,0.0 600.0,0.0 600,120");
        assert_eq!(steps(&[], 5), "");
        let many: Vec<Point> = (0..100_000).map(|at| (at, 1 + (at % 2) as u32)).collect();
        assert!(steps(&many, 100_000).len() < 30 * MOST_POINTS, "a page stays a page");
    }
}
