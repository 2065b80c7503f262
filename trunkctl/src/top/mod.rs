//! `trunkctl top`: the gateway on a whole screen, asked once a second.
//!
//! Data path: terminal → [`state::Key`] → [`state::Top`] → [`view::draw`] → terminal; orders go by way of
//! [`link::Link`] to the daemon, and its answers come back as events.
//! Time: the screen is drawn ten times a second at most; nothing here is precise.

mod ending;
mod link;
mod panes;
mod state;
#[cfg(test)]
mod tests;
mod view;

use crate::args;
use crate::failure::Failure;
use crate::output::Output;
use crate::words;
use control::Client;
use ending::{News, Signals};
use link::Link;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event as Input, KeyCode, KeyEventKind, KeyModifiers};
use state::{Event, Key, Top};
use std::io::{self, IsTerminal};
use std::time::Duration;
use view::Theme;

/// How long a key is waited for before the screen is drawn again, in ms.
const WAIT: u8 = 100;

/// See that there is a terminal to fill.
pub fn check(output: Output) -> Result<(), Failure> {
    let term = std::env::var("TERM").unwrap_or_default();
    let terminal = io::stdin().is_terminal() && output.is_terminal();
    if terminal && !matches!(term.as_str(), "" | "dumb") {
        return Ok(());
    }
    Err(Failure::Usage("top fills a terminal, and there is none here: use `trunkctl status`, `trunkctl spans`".into()))
}

/// Show it until somebody quits.
pub fn run(client: Client, wish: &args::Top) -> Result<(), Failure> {
    let colour = !wish.no_colour && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    // Before there is a second thread, which must not take them.
    let signals = Signals::hold()?;
    let link = Link::start(client);
    let mut screen = Screen(ratatui::try_init()?);
    let mut top = Top::default();
    while !top.quit {
        screen.0.draw(|frame| view::draw(frame, &top, Theme { colour }, words::now_ms()))?;
        let mut events: Vec<Event> = Vec::new();
        // Crossterm is asked only when there is something: it would read the end of a terminal that is gone for ever.
        match signals.wait(WAIT.into())? {
            News::Signal(signal) => {
                drop(screen);
                return Err(signals.die_of(signal).into());
            }
            News::Gone => return Ok(()),
            News::Keys => {
                while event::poll(Duration::ZERO)? {
                    events.extend(key(&event::read()?).map(Event::Key));
                }
            }
            News::None => {}
        }
        events.extend(link.events.try_iter());
        for event in events {
            if let Some(order) = top.handle(event) {
                // The thread ends with us and not before.
                let _ = link.orders.send(order);
            }
        }
    }
    Ok(())
}

/// The terminal, given back as it was: also after an error or a signal. `ratatui::try_init` sees to it after a panic.
struct Screen(DefaultTerminal);

impl Drop for Screen {
    fn drop(&mut self) {
        ratatui::restore();
    }
}

fn key(input: &Input) -> Option<Key> {
    let Input::Key(key) = input else { return None };
    if key.kind == KeyEventKind::Release {
        return None;
    }
    Some(match key.code {
        KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => Key::Interrupt,
        KeyCode::Char(_) if key.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) => return None,
        KeyCode::Char(char) => Key::Char(char),
        KeyCode::Up => Key::Up,
        KeyCode::Down => Key::Down,
        KeyCode::Left => Key::Left,
        KeyCode::Right => Key::Right,
        KeyCode::PageUp => Key::PageUp,
        KeyCode::PageDown => Key::PageDown,
        KeyCode::Tab => Key::Tab,
        KeyCode::BackTab => Key::BackTab,
        KeyCode::Enter => Key::Enter,
        KeyCode::Esc => Key::Escape,
        _ => return None,
    })
}
