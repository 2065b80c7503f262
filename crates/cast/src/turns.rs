//! Whose turn it is when a piece of a stream is new.
//!
//! What a listener costs is above all the call that hands octets to the kernel, and the packets it makes of them. A few listeners
//! get each piece by itself, the moment it is there. Of many each has a turn at every so many-th piece, one after another so
//! that a beat has as much to do as the next, and gets at once what has come since his last.
//!
//! Data path: numbers of pieces, places of listeners → here → who is served.
//! Time: none; a listener among many hears of a piece at most a stride later, out of what he got in advance.
//! Words: a *piece* is what a container makes of the least it wraps, such as a frame of MP3; a *stride*, the pieces between two turns.

use crate::format::Format;

/// Up to so many listeners of a stream get every piece by itself.
const FEW: usize = 32;

/// Who is served.
#[derive(Clone, Copy)]
pub(crate) enum Turn {
    /// Whoever has this place, at once.
    Now,
    /// Those among so many whose turn it is.
    Due { among: usize },
}

impl Turn {
    /// Is it that of who has this place? `fresh` pieces are new, and `total` is the number of the newest.
    pub(crate) fn is_of(self, place: usize, format: Format, (fresh, total): (u64, u64)) -> bool {
        match self {
            Turn::Now => true,
            Turn::Due { among } if among <= FEW => fresh > 0,
            Turn::Due { .. } => {
                let stride = stride(format);
                (0..fresh.min(stride)).any(|n| (total - n).wrapping_add(place as u64).is_multiple_of(stride))
            }
        }
    }
}

/// Pieces between two turns of one of many.
fn stride(format: Format) -> u64 {
    match format {
        // 2,688 octets: two packets of an Ethernet, 1,448 octets each, nearly full. 168 ms, where a player has two seconds in hand.
        Format::Mp3 => 7,
        // 60 ms: these are for those who want to hear at once, and a page has no more than 100 ms of them in hand.
        Format::Pcmu | Format::Webm => 3,
        // A page of Ogg is as large as several frames; segments are fetched.
        Format::Ogg | Format::Hls => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: Turn = Turn::Due { among: FEW + 1 };

    fn served(turn: Turn, format: Format, pieces: (u64, u64)) -> Vec<usize> {
        (0..2100).filter(|&place| turn.is_of(place, format, pieces)).collect()
    }

    #[test]
    fn a_few_get_every_piece() {
        for total in 1..20 {
            assert_eq!(served(Turn::Due { among: FEW }, Format::Mp3, (1, total)).len(), 2100);
        }
        assert!(served(Turn::Due { among: FEW }, Format::Mp3, (0, 20)).is_empty());
    }

    #[test]
    fn each_of_many_has_one_turn_in_a_stride_and_as_many_have_it_at_once() {
        for (format, stride) in [(Format::Mp3, 7), (Format::Pcmu, 3), (Format::Webm, 3), (Format::Ogg, 1)] {
            let mut all: Vec<usize> = Vec::new();
            for total in 50..50 + stride {
                let now = served(MANY, format, (1, total));
                assert_eq!(now.len(), 2100 / stride as usize, "{format}");
                all.extend(now);
            }
            all.sort_unstable();
            assert!(all.into_iter().eq(0..2100), "{format}");
        }
    }

    /// After a hold-up several pieces come in one beat: nobody's turn is left out.
    #[test]
    fn pieces_that_come_together_bring_the_turns_of_each() {
        let mut one_by_one: Vec<usize> = (11..=13).flat_map(|total| served(MANY, Format::Mp3, (1, total))).collect();
        one_by_one.sort_unstable();
        assert_eq!(served(MANY, Format::Mp3, (3, 13)), one_by_one);
        assert_eq!(served(MANY, Format::Mp3, (100, 113)).len(), 2100);
        assert!(served(MANY, Format::Mp3, (0, 113)).is_empty());
        assert_eq!(served(Turn::Now, Format::Mp3, (0, 113)).len(), 2100);
    }
}
