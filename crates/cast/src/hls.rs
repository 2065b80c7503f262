//! HTTP Live Streaming: a playlist and its segments, for delivery networks and players that want them.
//!
//! Segments never change and have names that are used once, so that caches may keep them for ever; the
//! playlist is new every two seconds. Some segments that have left the playlist can still be fetched, by
//! those who read it a moment ago. Who listens does not stay connected, so listeners are estimated: as many
//! as have fetched the segment before the newest.
//!
//! Data path: Opus frames → segments → answers to requests.
//! Time: a segment is there when its last frame is; players are three segments behind, as RFC 8216 wants.
//! Source: RFC 8216 clauses 4.3 (tags), 6.2 (what a server does).

use crate::encoder::Frames;
use crate::fmp4;
use crate::opus;
use crate::utc;
use std::collections::VecDeque;
use std::fmt::Write as _;

/// Frames of a segment: two seconds.
const SEGMENT_FRAMES: usize = 100;
/// Seconds of a segment at most.
const TARGET_S: usize = SEGMENT_FRAMES * opus::FRAME_MS as usize / 1000;
/// Segments in the playlist.
const LISTED: usize = 6;
/// Segments that can be fetched: what has left the playlist stays for as long as the playlist lasts (6.2.2).
const KEPT: usize = 2 * LISTED;

/// One stream in segments.
#[derive(Debug)]
pub(crate) struct Hls {
    event: String,
    start_ms: u64,
    frames: Frames,
    initialization: Vec<u8>,
    segments: VecDeque<Segment>,
    /// Of the oldest segment that is kept.
    first: u64,
    ended: bool,
}

#[derive(Debug)]
struct Segment {
    octets: Vec<u8>,
    frames: usize,
    fetched: u64,
}

/// What was asked for under an event's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum File<'a> {
    /// It says what the sound is.
    Initialization(&'a [u8]),
    /// Sound; its number.
    Media(&'a [u8], u64),
}

impl Hls {
    /// At the start of a stream of this event.
    pub(crate) fn new(event: &str, start_ms: u64) -> Self {
        Hls {
            event: event.to_owned(),
            start_ms,
            frames: Frames::default(),
            initialization: fmp4::initialization(),
            segments: VecDeque::new(),
            first: 0,
            ended: false,
        }
    }

    /// Takes frames; answers how many segments became whole.
    pub(crate) fn take(&mut self, frames: &Frames) -> u64 {
        let mut made = 0;
        for frame in frames.iter() {
            self.frames.push(frame);
            if self.frames.len() == SEGMENT_FRAMES {
                self.close();
                made += 1;
            }
        }
        made
    }

    /// What is left becomes the last segment, and the playlist says that it is.
    pub(crate) fn finish(&mut self) {
        if !self.frames.is_empty() {
            self.close();
        }
        self.ended = true;
    }

    fn close(&mut self) {
        let number = self.first + self.segments.len() as u64;
        let time = number * SEGMENT_FRAMES as u64 * u64::from(opus::FRAME_SAMPLES);
        let octets = fmp4::media(number as u32 + 1, time, &self.frames);
        self.segments.push_back(Segment { octets, frames: self.frames.len(), fetched: 0 });
        self.frames.clear();
        if self.segments.len() > KEPT {
            self.segments.pop_front();
            self.first += 1;
        }
    }

    /// About how many listen.
    pub(crate) fn listeners(&self) -> u64 {
        let before_newest = self.segments.len().checked_sub(2);
        before_newest.map_or(0, |place| self.segments[place].fetched)
    }

    /// Somebody fetches this segment.
    pub(crate) fn fetched(&mut self, number: u64) {
        let place = number.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        if let Some(segment) = place.and_then(|place| self.segments.get_mut(place)) {
            segment.fetched += 1;
        }
    }

    /// The playlist, once there is a segment. Its addresses are relative to a directory above the event's.
    pub(crate) fn playlist(&self) -> Option<String> {
        let skipped = self.segments.len().saturating_sub(LISTED);
        let first = self.first + skipped as u64;
        self.segments.get(skipped)?;
        let (event, start) = (&self.event, self.start_ms);
        let since_ms = first * (SEGMENT_FRAMES as u64) * u64::from(opus::FRAME_MS);
        let mut out = format!(
            "#EXTM3U\n\
             #EXT-X-VERSION:7\n\
             #EXT-X-TARGETDURATION:{TARGET_S}\n\
             #EXT-X-MEDIA-SEQUENCE:{first}\n\
             #EXT-X-INDEPENDENT-SEGMENTS\n\
             #EXT-X-MAP:URI=\"{event}/{start}.mp4\"\n\
             #EXT-X-PROGRAM-DATE-TIME:{}\n",
            utc::rfc3339(start + since_ms)
        );
        for (number, segment) in (first..).zip(self.segments.iter().skip(skipped)) {
            let seconds = segment.frames as f64 * f64::from(opus::FRAME_MS) / 1000.0;
            let _ = write!(out, "#EXTINF:{seconds:.3},\n{event}/{start}-{number}.m4s\n");
        }
        if self.ended {
            out.push_str("#EXT-X-ENDLIST\n");
        }
        Some(out)
    }

    /// The file of this name, without the event's directory.
    pub(crate) fn file(&self, name: &str) -> Option<File<'_>> {
        let rest = name.strip_prefix(&self.start_ms.to_string())?;
        if rest == ".mp4" {
            return Some(File::Initialization(&self.initialization));
        }
        let number: u64 = rest.strip_prefix('-')?.strip_suffix(".m4s")?.parse().ok()?;
        let place = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.segments.get(place).map(|segment| File::Media(&segment.octets, number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn speak(hls: &mut Hls, frames: usize) -> u64 {
        let mut some = Frames::default();
        (0..frames).for_each(|n| some.push(&[n as u8; 60]));
        hls.take(&some)
    }

    #[test]
    fn the_playlist_moves_on_and_ends() {
        let mut hls = Hls::new("4711", 1_795_184_515_250);
        assert_eq!((speak(&mut hls, 99), hls.playlist()), (0, None));
        assert_eq!(speak(&mut hls, 1), 1);
        let playlist = hls.playlist().unwrap();
        let expected = "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n\
                        #EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"4711/1795184515250.mp4\"\n\
                        #EXT-X-PROGRAM-DATE-TIME:2026-11-20T14:21:55.250Z\n\
                        #EXTINF:2.000,\n4711/1795184515250-0.m4s\n";
        assert_eq!(playlist, expected);
        assert_eq!(speak(&mut hls, 1930), 19);
        hls.finish();
        let playlist = hls.playlist().unwrap();
        assert!(playlist.contains("#EXT-X-MEDIA-SEQUENCE:15\n"));
        assert!(playlist.contains("#EXT-X-PROGRAM-DATE-TIME:2026-11-20T14:22:25.250Z\n"));
        let end =
            "#EXTINF:2.000,\n4711/1795184515250-19.m4s\n#EXTINF:0.600,\n4711/1795184515250-20.m4s\n#EXT-X-ENDLIST\n";
        assert!(playlist.ends_with(end), "{playlist}");
        assert_eq!(playlist.matches("#EXTINF").count(), LISTED);
    }

    #[test]
    fn what_the_playlist_names_is_there_and_what_left_it_for_a_while() {
        let mut hls = Hls::new("4711", 5000);
        speak(&mut hls, 2000);
        let there = |name: &str| hls.file(name).is_some();
        for line in hls.playlist().unwrap().lines().filter(|line| !line.starts_with('#')) {
            assert!(there(line.strip_prefix("4711/").unwrap()), "{line}");
        }
        assert!(there("5000.mp4") && there("5000-8.m4s"));
        for absent in ["5000-7.m4s", "5000-20.m4s", "5000-.m4s", "5001-9.m4s", "5001.mp4", "5000-+9.m4s9", "", "x"] {
            assert!(!there(absent), "{absent}");
        }
    }

    #[test]
    fn listeners_are_those_who_fetched_the_segment_before_the_newest() {
        let mut hls = Hls::new("4711", 0);
        speak(&mut hls, 100);
        assert_eq!(hls.listeners(), 0);
        (0..3).for_each(|_| hls.fetched(0));
        hls.fetched(99);
        speak(&mut hls, 100);
        assert_eq!(hls.listeners(), 3);
        hls.fetched(1);
        assert_eq!(hls.listeners(), 3);
        speak(&mut hls, 100);
        assert_eq!(hls.listeners(), 1);
    }
}
