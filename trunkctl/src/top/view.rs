//! The picture of the full-screen view: a pure function of its state.
//!
//! Lines from the top: server; loop; traffic; panes; the pane; keys, or what was told. Colour only repeats what words say.

use super::panes::{self, List, Tone};
use super::state::{Dialog, Pane, Snapshot, Top};
use crate::show;
use crate::words::{clean, count, duration, shortened, time_of_day, wrapped};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use std::time::Duration;

/// What the picture needs at least.
pub const SMALLEST: (u16, u16) = (80, 24);

/// Spans that are shown above the channels.
const SPANS_SHOWN: usize = 5;

/// Lines above the pane.
const HEAD: u16 = 4;

const HELP: &str = "\
Tab, t c e m a o trunks, calls, events, conferences, alarms, out of service
up, down, k, j   choose a row; Page Up, Page Down for ten
right, Enter     from a span to its channels; left, Esc: back
s                suspend the chosen span or channel
r                resume it, or the chosen suspension
h                hang up the chosen call
q, Ctrl-C        quit

s, r and h say first what they will hit, and ask. Calls on what is suspended
go on until they end; `trunkctl suspend` has --now and --grace.

The line of characters is a span, channel by channel: . idle, * with a call,
d out after its call, X out of service here, x at the far end, ? not known.

Any key closes this.";

/// How things look.
#[derive(Clone, Copy, Debug)]
pub struct Theme {
    pub colour: bool,
}

impl Theme {
    fn style(self, tone: Tone) -> Style {
        match (tone, self.colour) {
            (Tone::Plain, _) => Style::new(),
            (Tone::Warn, true) => Style::new().fg(Color::Yellow),
            (Tone::Bad, true) => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
            (Tone::Warn, false) => Style::new(),
            (Tone::Bad, false) => Style::new().add_modifier(Modifier::BOLD),
        }
    }
}

const REVERSED: Style = Style::new().add_modifier(Modifier::REVERSED);

/// Draw all of it.
pub fn draw(frame: &mut Frame, top: &Top, theme: Theme, now_ms: u64) {
    let area = frame.area();
    if area.width < SMALLEST.0 || area.height < SMALLEST.1 {
        let (width, height) = SMALLEST;
        let text = format!(
            "This terminal has {} columns and {} lines; trunkctl top needs {width} and {height}. Make it larger, or press q \
             and use trunkctl status.",
            area.width, area.height
        );
        frame.render_widget(Paragraph::new(wrapped(&text, usize::from(area.width), "")), area);
        return;
    }
    let Some(snapshot) = &top.snapshot else {
        let text = top.lost.as_ref().map_or("asking the daemon".to_owned(), |why| format!("no daemon: {}", clean(why)));
        frame.render_widget(Paragraph::new(text), area);
        return;
    };
    head(frame, top, snapshot, theme, now_ms);
    let body = Rect { y: HEAD, height: area.height - HEAD - 1, ..area };
    if top.pane == Pane::Trunks {
        trunks(frame, body, top, snapshot, theme, now_ms);
    } else {
        let list = panes::pane(top, snapshot, now_ms, usize::from(area.width) - 2);
        draw_list(frame, body, &list, Some(top.row), panes::nothing(top.pane), theme);
    }
    foot(frame, top, theme);
    match &top.dialog {
        Some(Dialog::Help) => dialog(frame, body, "Keys", HELP, 0, "any key closes this"),
        Some(Dialog::Ask { title, text, scroll, .. }) => {
            dialog(frame, body, title, text, *scroll, "y: do it   n, Esc: leave it   up, down: read on");
        }
        None => {}
    }
}

fn line_at(frame: &mut Frame, y: u16, line: Line<'_>) {
    let area = Rect { y, height: 1, ..frame.area() };
    frame.render_widget(Paragraph::new(line), area);
}

fn head(frame: &mut Frame, top: &Top, snapshot: &Snapshot, theme: Theme, now_ms: u64) {
    let (status, width) = (&snapshot.status, usize::from(frame.area().width));
    let (left, right) = match (&top.lost, &status.drain) {
        (Some(why), _) => {
            let since = &time_of_day(snapshot.at_ms)[..8];
            (format!(" NO CONNECTION since {since}, trying again: {}", clean(why)), String::new())
        }
        (None, Some(drain)) => (format!(" {}", show::closing_down(drain, now_ms)), String::new()),
        (None, None) => (
            format!(
                " trunkcast {} on {}   up {}",
                clean(&status.version),
                clean(&status.server),
                duration(Duration::from_secs(status.uptime_s))
            ),
            format!("{} UTC ", &time_of_day(now_ms)[..8]),
        ),
    };
    let left = shortened(&left, width - right.len());
    let style =
        if top.lost.is_some() || status.drain.is_some() { theme.style(Tone::Bad).patch(REVERSED) } else { REVERSED };
    line_at(frame, 0, Line::styled(format!("{left:<room$}{right}", room = width - right.len()), style));
    let loop_ = &status.loop_;
    let late = format!(
        " loop: late {}, work {} (half / 99 %), {}",
        panes::timing(&loop_.late),
        panes::timing(&loop_.work),
        count(loop_.overruns, "overrun")
    );
    line_at(frame, 1, Line::raw(late));
    let (free, used) = (status.free_ports, status.conferences);
    let held = status.total_ports.saturating_sub(free + used);
    let traffic = format!(
        " {}, {}, {}, {}; ports: {free} of {} free, {held} held",
        count(status.calls.into(), "call"),
        count(status.streams.into(), "stream"),
        count(status.listeners.into(), "listener"),
        count(status.recordings.into(), "recording"),
        status.total_ports
    );
    line_at(frame, 2, Line::raw(traffic));
    let (alarms, tone) = panes::alarm_counts(snapshot);
    let mut tabs = vec![Span::raw(" ")];
    for pane in Pane::ALL {
        let (label, tone) = match pane {
            Pane::Trunks => (format!("t Trunks {}", snapshot.spans.len()), Tone::Plain),
            Pane::Calls => (format!("c Calls {}", snapshot.calls.len()), Tone::Plain),
            Pane::Events => (format!("e Events {}", snapshot.events.len()), Tone::Plain),
            Pane::Conferences => (format!("m Conf {}", snapshot.conferences.len()), Tone::Plain),
            Pane::Alarms => (format!("a Alarms {alarms}"), tone),
            Pane::Out => (format!("o Out {}", snapshot.suspensions.len()), Tone::Plain),
        };
        let chosen = pane == top.pane;
        let (label, style) =
            if chosen { (format!("[{label}]"), REVERSED) } else { (format!(" {label} "), theme.style(tone)) };
        tabs.push(Span::styled(label, style));
    }
    line_at(frame, 3, Line::from(tabs));
}

fn foot(frame: &mut Frame, top: &Top, theme: Theme) {
    let (text, style) = match &top.told {
        Some((text, true)) => (format!(" {}", clean(text)), theme.style(Tone::Bad)),
        Some((text, false)) => (format!(" {}", clean(text)), Style::new().add_modifier(Modifier::BOLD)),
        None => (" s suspend   r resume   h hang up   Tab other lists   ? help   q quit".to_owned(), Style::new()),
    };
    let area = frame.area();
    line_at(frame, area.height - 1, Line::styled(shortened(&text, area.width.into()), style));
}

fn trunks(frame: &mut Frame, area: Rect, top: &Top, snapshot: &Snapshot, theme: Theme, now_ms: u64) {
    let width = usize::from(area.width) - 2;
    let spans = panes::spans(snapshot, now_ms, width);
    let above = spans.rows.len().clamp(1, SPANS_SHOWN) as u16 + 1;
    let (upper, map, lower) = (
        Rect { height: above, ..area },
        area.y + above,
        Rect { y: area.y + above + 1, height: area.height - above - 1, ..area },
    );
    draw_list(frame, upper, &spans, Some(top.span), "no spans", theme);
    line_at(frame, map, Line::raw(format!("  {}", panes::map(&snapshot.channels))));
    let channels = panes::pane(top, snapshot, now_ms, width);
    draw_list(frame, lower, &channels, top.in_channels.then_some(top.row), panes::nothing(Pane::Trunks), theme);
}

/// Heading, rows around the chosen one, and what is to be said about it.
fn draw_list(frame: &mut Frame, area: Rect, list: &List, chosen: Option<usize>, nothing: &str, theme: Theme) {
    if list.rows.is_empty() {
        frame.render_widget(Paragraph::new(format!("  {nothing}")), area);
        return;
    }
    let about = wrapped(&list.about, usize::from(area.width) - 2, "");
    let about: Vec<&str> = about.lines().filter(|line| !line.is_empty()).take(3).collect();
    let room = usize::from(area.height).saturating_sub(1 + about.len());
    let at = chosen.unwrap_or(0);
    let first = (at + 1).saturating_sub(room);
    let mut lines = vec![Line::styled(format!("  {}", list.heading), Style::new().add_modifier(Modifier::BOLD))];
    for (index, (row, tone)) in list.rows.iter().enumerate().skip(first).take(room) {
        let style = theme.style(*tone);
        lines.push(if chosen == Some(index) {
            let width = usize::from(area.width) - 2;
            Line::styled(format!("> {row:<width$}"), style.patch(REVERSED))
        } else {
            Line::styled(format!("  {row}"), style)
        });
    }
    lines.extend(about.into_iter().map(|line| Line::raw(format!("  {line}"))));
    frame.render_widget(Paragraph::new(lines), area);
}

/// Text over the lists, between two rules.
fn dialog(frame: &mut Frame, area: Rect, title: &str, text: &str, scroll: usize, keys: &str) {
    let width = usize::from(area.width);
    let rule = |words: &str| format!("-- {words} {}", "-".repeat(width.saturating_sub(words.chars().count() + 4)));
    let all: Vec<&str> = text.lines().collect();
    let room = usize::from(area.height) - 2;
    let scroll = scroll.min(all.len().saturating_sub(room));
    let shown = &all[scroll..all.len().min(scroll + room)];
    let mut lines = vec![Line::styled(rule(&clean(title)), REVERSED)];
    lines.extend(shown.iter().map(|line| Line::raw(clean(line))));
    lines.push(Line::styled(rule(keys), REVERSED));
    let area = Rect { height: lines.len() as u16, ..area };
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(lines), area);
}
