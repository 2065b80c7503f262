//! Files of lines that only grow, read from where the database has got to.
//!
//! A file is known by its name and its first line: one that is begun afresh under the old name is another. A
//! place in it is an octet count and a [`mark`] of the line before; when the mark is not there any more (the
//! power went before the file's end was on the disk), the file is read again from its beginning, which does
//! no harm since every record can be applied twice.
//!
//! Data path: files of the outbox and the gateway → [`Feed::next`] → [`Batch`] → the writer, which says
//! [`Feed::applied`].
//! Time: none; the writer asks.
//! Words: *source*, the name of a file for the database: kind, file name, and what its first line makes.

use crate::journal::{self, Tail};
use crate::record::{Record, Unusable};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Octets read at once.
const READ: u64 = 256 * 1024;
/// A line longer than this is no record of ours; it is passed over, and counted as one that is set aside.
const LONGEST: usize = 128 * 1024;

/// The mark of a line that is too long to have one.
const UNMARKED: &str = "-";

/// How far the database has got with a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    /// Octets applied.
    pub(crate) position: u64,
    /// The line before, made short.
    pub(crate) mark: String,
}

/// One line of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Octets of the file up to and with this line.
    pub(crate) end: u64,
    /// The line with its end; only the beginning of one that is too long.
    pub(crate) text: Vec<u8>,
}

/// Lines to be applied together.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    /// The source.
    pub(crate) source: String,
    /// What the database is to have as its place now.
    pub(crate) before: Place,
    /// And what then.
    pub(crate) after: Place,
    /// What is between.
    pub(crate) lines: Vec<Line>,
    file: String,
}

/// What the lines of a feed are.
#[derive(Clone, Debug)]
enum Kind {
    Outbox(Tail),
    OutboxElsewhere,
    Calls,
    Events { server: String },
}

/// A directory of files of one kind, followed.
#[derive(Debug)]
pub struct Feed {
    kind: Kind,
    directory: PathBuf,
    /// By file name.
    files: BTreeMap<String, Followed>,
}

#[derive(Debug)]
struct Followed {
    source: String,
    /// What the database has; differs from `position` when the file is read again from its beginning.
    place: Place,
    position: u64,
}

impl Feed {
    /// The journal of an outbox.
    #[must_use]
    pub fn outbox(directory: &Path, tail: Tail) -> Feed {
        Feed { kind: Kind::Outbox(tail), directory: directory.to_owned(), files: BTreeMap::new() }
    }

    /// The journal of another program's outbox, which may be writing it or away.
    #[must_use]
    pub fn outbox_elsewhere(directory: &Path) -> Feed {
        Feed { kind: Kind::OutboxElsewhere, directory: directory.to_owned(), files: BTreeMap::new() }
    }

    /// The call records of the gateway with this state directory.
    #[must_use]
    pub fn calls(state_directory: &Path) -> Feed {
        Feed { kind: Kind::Calls, directory: state_directory.join("records"), files: BTreeMap::new() }
    }

    /// The journal of events of the gateway with this state directory, which calls itself `server`.
    #[must_use]
    pub fn events(state_directory: &Path, server: &str) -> Feed {
        let kind = Kind::Events { server: server.to_owned() };
        Feed { kind, directory: state_directory.to_owned(), files: BTreeMap::new() }
    }

    /// For messages.
    pub(crate) fn name(&self) -> String {
        format!("{} in {}", self.prefix(), self.directory.display())
    }

    fn prefix(&self) -> &'static str {
        match self.kind {
            Kind::Outbox(_) | Kind::OutboxElsewhere => "outbox",
            Kind::Calls => "calls",
            Kind::Events { .. } => "events",
        }
    }

    /// What a line says.
    pub(crate) fn meaning(&self, line: &Line) -> Result<Record, Unusable> {
        if line.text.last() != Some(&b'\n') {
            return Err(Unusable(format!("longer than {LONGEST} octets")));
        }
        match &self.kind {
            Kind::Outbox(_) | Kind::OutboxElsewhere => Record::from_line(&line.text),
            Kind::Calls => Record::from_call_line(&line.text),
            Kind::Events { server } => Record::from_event_line(&line.text, server),
        }
    }

    /// Forgets how far it has got: the database has been away, and is asked again.
    pub(crate) fn rewind(&mut self) {
        self.files.clear();
    }

    /// The next lines, at most so many, of the oldest file that has some. `places` tells how far the database
    /// has got with each source.
    pub(crate) fn next(&mut self, places: &BTreeMap<String, Place>, most: usize) -> io::Result<Option<Batch>> {
        for (file, length) in self.grown()? {
            let path = self.directory.join(&file);
            if !self.files.contains_key(&file) {
                let Some(followed) = take_up(self.prefix(), &path, &file, places)? else { continue };
                let position = followed.position.max(self.head(&path)?);
                self.files.insert(file.clone(), Followed { position, ..followed });
            }
            // Lines of another program's outbox may be read before its disk refuses them, and then are taken off again.
            if matches!(self.kind, Kind::OutboxElsewhere) && !has_mark(&path, &self.files[&file].place)? {
                log::warn!("records: {} has lost lines, and is read again from its beginning", path.display());
                let position = self.head(&path)?;
                self.files.entry(file.clone()).and_modify(|followed| followed.position = position);
            }
            let followed = &self.files[&file];
            let lines = read_lines(&path, followed.position, length, most)?;
            if let Some(last) = lines.last() {
                let after = Place { position: last.end, mark: mark(&last.text) };
                let (source, before) = (followed.source.clone(), followed.place.clone());
                return Ok(Some(Batch { source, before, after, lines, file }));
            }
        }
        Ok(None)
    }

    /// Octets of what an outbox writes into its file itself, which is no record.
    fn head(&self, path: &Path) -> io::Result<u64> {
        match self.kind {
            Kind::Outbox(_) | Kind::OutboxElsewhere => Ok(first_line(path)?.map_or(0, |line| line.len() as u64)),
            Kind::Calls | Kind::Events { .. } => Ok(0),
        }
    }

    /// A batch is in the database.
    pub(crate) fn applied(&mut self, batch: &Batch) {
        if let Some(followed) = self.files.get_mut(&batch.file) {
            followed.position = batch.after.position;
            followed.place = batch.after.clone();
        }
    }

    /// Removes segments of the outbox that are wholly in the database and not written any more; their
    /// sources, which the database need not remember.
    pub(crate) fn prune(&mut self) -> io::Result<Vec<String>> {
        let last = match &self.kind {
            Kind::Outbox(tail) => tail.get().0,
            // While the last one is begun, the one before may be written yet.
            Kind::OutboxElsewhere => {
                self.files.keys().filter_map(|file| journal::segment_of(file)).max().unwrap_or(0).max(1) - 1
            }
            Kind::Calls | Kind::Events { .. } => return Ok(Vec::new()),
        };
        let mut gone = Vec::new();
        for (file, followed) in &self.files {
            let done = journal::segment_of(file).is_some_and(|segment| segment < last);
            if done && fs::metadata(self.directory.join(file))?.len() == followed.position {
                fs::remove_file(self.directory.join(file))?;
                gone.push(file.clone());
            }
        }
        if gone.is_empty() {
            return Ok(Vec::new());
        }
        // Were the file to come back after the database forgot it, it would be applied again.
        File::open(&self.directory)?.sync_all()?;
        Ok(gone.iter().filter_map(|file| Some(self.files.remove(file)?.source)).collect())
    }

    /// Octets that are not in the database yet.
    pub(crate) fn behind(&self) -> io::Result<u64> {
        let grown = self.grown()?;
        let read = |file: &String| self.files.get(file).map_or(0, |followed| followed.position);
        Ok(grown.iter().map(|(file, length)| length.saturating_sub(read(file))).sum())
    }

    /// Files that are longer than what has been read of them, oldest first; of another program's outbox also those that have
    /// become shorter.
    fn grown(&self) -> io::Result<Vec<(String, u64)>> {
        let entries = match fs::read_dir(&self.directory) {
            // The gateway has not been there yet.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let entry = entry?;
            let Some(name) = entry.file_name().to_str().map(str::to_owned) else { continue };
            let Some(limit) = self.limit(&name) else { continue };
            let length = entry.metadata()?.len().min(limit);
            let read = self.files.get(&name).map_or(0, |followed| followed.position);
            if length > read || (length < read && matches!(self.kind, Kind::OutboxElsewhere)) {
                files.push((name, length));
            }
        }
        files.sort_unstable();
        Ok(files)
    }

    /// Up to where a file of this name may be read, if it is one of this feed.
    fn limit(&self, name: &str) -> Option<u64> {
        match &self.kind {
            Kind::Outbox(tail) => {
                let (segment, (last, length)) = (journal::segment_of(name)?, tail.get());
                (segment <= last).then_some(if segment == last { length } else { u64::MAX })
            }
            Kind::OutboxElsewhere => journal::segment_of(name).map(|_| u64::MAX),
            Kind::Calls => (name.starts_with("calls-") && name.ends_with(".jsonl")).then_some(u64::MAX),
            Kind::Events { .. } => (name == "events.jsonl").then_some(u64::MAX),
        }
    }
}

/// Begins to follow a file; none while its first line is not whole.
fn take_up(prefix: &str, path: &Path, name: &str, places: &BTreeMap<String, Place>) -> io::Result<Option<Followed>> {
    let Some(first) = first_line(path)? else { return Ok(None) };
    let source = format!("{prefix}/{name}/{}", digest(&first));
    let place = places.get(&source).cloned().unwrap_or_default();
    let mut position = place.position;
    if !has_mark(path, &place)? {
        log::warn!("records: {} is not as it was, and is read again from its beginning", path.display());
        position = 0;
    }
    Ok(Some(Followed { source, place, position }))
}

fn first_line(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let lines = read_lines(path, 0, u64::MAX, 1)?;
    Ok(lines.into_iter().next().map(|line| line.text))
}

/// A line made short: its length and a digest. Of a line that is too long there is nothing to compare.
fn mark(line: &[u8]) -> String {
    if line.last() == Some(&b'\n') { format!("{}:{}", line.len(), digest(line)) } else { UNMARKED.to_owned() }
}

fn digest(octets: &[u8]) -> String {
    Sha256::digest(octets).iter().take(8).map(|octet| format!("{octet:02x}")).collect()
}

/// Whether the line of the mark is still where it was.
fn has_mark(path: &Path, place: &Place) -> io::Result<bool> {
    if place.mark == UNMARKED {
        return Ok(true);
    }
    let Some(length) = place.mark.split(':').next().and_then(|text| text.parse::<u64>().ok()) else {
        return Ok(place.position == 0);
    };
    let Some(start) = place.position.checked_sub(length) else { return Ok(false) };
    let mut line = vec![0; length as usize];
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(start))?;
    match file.read_exact(&mut line) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        read => read.map(|()| mark(&line) == place.mark),
    }
}

/// Whole lines from `position` on, at most so many, none beyond `length`.
fn read_lines(path: &Path, position: u64, length: u64, most: usize) -> io::Result<Vec<Line>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(position))?;
    let mut octets = Vec::new();
    file.by_ref().take(READ.min(length.saturating_sub(position))).read_to_end(&mut octets)?;
    let mut lines = Vec::new();
    let mut end = position;
    for text in octets.split_inclusive(|&b| b == b'\n').take(most) {
        if text.last() != Some(&b'\n') {
            // Not whole yet, or cut by what is read at once; a line that long is passed over.
            if lines.is_empty() && text.len() as u64 == READ {
                let rest = rest_of_line(&mut file)?;
                lines.extend(rest.map(|rest| Line { end: end + READ + rest, text: begin_of(text) }));
            }
            break;
        }
        end += text.len() as u64;
        lines.push(Line { end, text: if text.len() > LONGEST { begin_of(text) } else { text.to_vec() } });
    }
    Ok(lines)
}

/// As much of a line that is too long as is kept of it.
fn begin_of(text: &[u8]) -> Vec<u8> {
    text[..LONGEST].to_vec()
}

/// Octets up to and with the end of the line, if it has one.
fn rest_of_line(file: &mut File) -> io::Result<Option<u64>> {
    let mut passed = 0;
    let mut octets = vec![0; 65_536];
    loop {
        let read = file.read(&mut octets)?;
        if read == 0 {
            return Ok(None);
        }
        match octets[..read].iter().position(|&b| b == b'\n') {
            Some(place) => return Ok(Some(passed + place as u64 + 1)),
            None => passed += read as u64,
        }
    }
}
