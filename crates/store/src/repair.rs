//! Bringing mirrors level: what one lacks is copied from another.
//!
//! Data path: [`Mirror::look`](crate::mirror::Mirror::look) of each mirror → [`plan`] → copies → ledger.
//! Time: [`Store::keep_level`] tries the events that are noted, ever less often while that does not help.

use crate::error::{MirrorError, StoreError};
use crate::ledger::Note;
use crate::mirror::{Content, Mirror};
use crate::plan::{Found, Plan, plan};
use crate::write::Store;
use event::EventNumber;
use futures_util::future::join_all;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Pause between attempts to bring mirrors level, at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// What a repair came to.
#[derive(Debug, Default)]
pub struct Repaired {
    /// Copies made.
    pub copied: usize,
    /// Files of which no good copy is left on the mirrors that answered.
    pub lost: Vec<String>,
    /// Why mirrors are still behind.
    pub failures: Vec<MirrorError>,
}

impl Store {
    /// Brings all mirrors that answer level for one event. Files are compared by their sums.
    ///
    /// # Errors
    /// [`StoreError::Ledger`]. What a mirror could not do is in [`Repaired`].
    pub async fn repair(&self, event: EventNumber) -> Result<Repaired, StoreError> {
        self.bring_level(event, false).await
    }

    /// The same, and every copy is read through to see whether it is what its sum says.
    ///
    /// # Errors
    /// As for [`Store::repair`].
    pub async fn check(&self, event: EventNumber) -> Result<Repaired, StoreError> {
        self.bring_level(event, true).await
    }

    /// Repairs every event that any mirror knows, or checks them when `thorough`.
    ///
    /// # Errors
    /// As for [`Store::repair`], or [`StoreError::TooFew`] when no mirror answers.
    pub async fn repair_all(&self, thorough: bool) -> Result<Repaired, StoreError> {
        let mut all = Repaired::default();
        for event in self.known().await? {
            let one = self.bring_level(event, thorough).await?;
            all.copied += one.copied;
            all.lost.extend(one.lost.into_iter().map(|file| format!("{event}/{file}")));
            all.failures.extend(one.failures);
        }
        Ok(all)
    }

    /// Events of which a mirror is known to lack something.
    #[must_use]
    pub fn behind(&self) -> Vec<EventNumber> {
        self.inner.ledger.events()
    }

    /// Brings mirrors level as they come back; to be run beside everything else, until it is dropped.
    pub async fn keep_level(&self, first_pause: Duration) {
        let mut pause = first_pause;
        loop {
            tokio::time::sleep(pause).await;
            let before = self.behind();
            for event in &before {
                match self.repair(*event).await {
                    Ok(repaired) if repaired.copied > 0 => {
                        log::info!("store: event {event}: {} copies made", repaired.copied);
                    }
                    Ok(_) => {}
                    Err(error) => log::error!("store: event {event}: {error}"),
                }
            }
            let helped = before.is_empty() || self.behind().len() < before.len();
            pause = if helped { first_pause } else { (pause * 2).min(LONGEST_PAUSE) };
        }
    }

    async fn bring_level(&self, event: EventNumber, thorough: bool) -> Result<Repaired, StoreError> {
        let _gate = self.gate(event).await;
        let mirrors = &self.inner.mirrors;
        mirrors.iter().for_each(|mirror| mirror.wake());
        let removed = join_all(mirrors.iter().map(|mirror| mirror.removed(event))).await;
        let noted = self.inner.ledger.get(event).removed_ms;
        if let Some(removed_ms) = removed.into_iter().filter_map(Result::ok).flatten().chain(noted).max() {
            return Ok(Repaired { failures: self.clear_away(event, removed_ms).await?, ..Repaired::default() });
        }
        let mut repair = Repair { mirrors, event, repaired: Repaired::default(), behind: BTreeSet::new() };
        repair.run(thorough).await;
        let Repair { repaired, behind, .. } = repair;
        self.inner.ledger.set(event, Note { behind, removed_ms: None })?;
        Ok(repaired)
    }
}

struct Repair<'a> {
    mirrors: &'a [Arc<Mirror>],
    event: EventNumber,
    repaired: Repaired,
    behind: BTreeSet<String>,
}

impl Repair<'_> {
    async fn run(&mut self, thorough: bool) {
        let looks = join_all(self.mirrors.iter().map(|mirror| mirror.look(self.event, thorough))).await;
        let mut seen: Vec<Option<BTreeMap<String, Found>>> = Vec::with_capacity(looks.len());
        for (mirror, look) in self.mirrors.iter().zip(looks) {
            match look {
                Ok(look) => seen.push(Some(look)),
                Err(error) => {
                    seen.push(None);
                    self.fell_behind(mirror.name().to_owned(), error);
                }
            }
        }
        let files: BTreeSet<&String> = seen.iter().flatten().flat_map(BTreeMap::keys).collect();
        for file in files {
            let of = |seen: &Option<BTreeMap<String, Found>>| match seen {
                None => Found::Away,
                Some(look) => look.get(file).cloned().unwrap_or(Found::Nothing),
            };
            self.file(file, seen.iter().map(of).collect()).await;
        }
    }

    async fn file(&mut self, file: &str, mut found: Vec<Found>) {
        // Each turn makes at least one copy good or finds one bad or away, so there is an end.
        loop {
            let (newest, from, to) = match plan(&found) {
                Plan::Level => return,
                Plan::Lost => {
                    log::error!("store: no good copy of {file} of event {} is left", self.event);
                    self.repaired.lost.push(file.to_owned());
                    return;
                }
                Plan::Copy { newest, from, to } => (newest, from[0], to[0]),
            };
            let content = Content::Mirror(Arc::clone(&self.mirrors[from]), self.event, file.to_owned());
            let target = &self.mirrors[to];
            // Since it was looked at, another program may have put something newer there.
            match target.version(self.event, file).await {
                Ok(Some(there)) if there > newest => {
                    found[to] = Found::Good(there);
                    continue;
                }
                _ => {}
            }
            match target.write(self.event, file, &content, &newest).await {
                Ok(()) => {
                    self.repaired.copied += 1;
                    found[to] = Found::Good(newest);
                }
                Err(MirrorError::Bad { mirror, .. }) if mirror == self.mirrors[from].name() => found[from] = Found::Bad,
                Err(MirrorError::Away { mirror, reason }) if mirror == self.mirrors[from].name() => {
                    found[from] = Found::Away;
                    self.fell_behind(mirror.clone(), MirrorError::Away { mirror, reason });
                }
                Err(error) => {
                    found[to] = Found::Away;
                    self.fell_behind(target.name().to_owned(), error);
                }
            }
        }
    }

    fn fell_behind(&mut self, mirror: String, error: MirrorError) {
        self.behind.insert(mirror);
        self.repaired.failures.push(error);
    }
}
