//! The sequence variables of multiple frame operation, and the arithmetic modulo 128.
//!
//! They mean something only in states 7 and 8, so they live in those variants of the state and are made
//! anew at each establishment.
//!
//! Source: Q.921 (09/97) clauses 3.5.2.1 to 3.5.2.6, 5.5.1.3; we keep one variable more, the highest N(S) sent,
//! because V(S) goes back for a retransmission while acknowledgements of the first transmission may still arrive.

/// How far `to` lies ahead of `from`, modulo 128.
const fn distance(from: u8, to: u8) -> u8 {
    to.wrapping_sub(from) & 0x7f
}

/// The successor modulo 128.
const fn next(value: u8) -> u8 {
    (value + 1) & 0x7f
}

/// What becomes of an I frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// It is the one expected.
    Taken,
    /// It is, and its message is left to the far end, to send it again.
    NoRoom,
    /// It is not, and the one expected has been asked for already.
    OutOfSequence,
    /// It is not: the one expected is to be asked for.
    Gap,
}

/// V(A), V(S), V(R) and the exception conditions. Invariant: V(A) ≤ V(S) ≤ highest sent, modulo 128.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sequence {
    v_a: u8,
    v_s: u8,
    sent: u8,
    v_r: u8,
    /// The far end said RNR (clause 5.6.5).
    pub peer_busy: bool,
    /// We said REJ and wait for the frame asked for (clause 5.8.1).
    pub rejecting: bool,
    /// REJ has made us go back, and nothing has been acknowledged since (clause 5.6.4).
    pub went_back: bool,
    /// An I frame arrived that nothing sent has acknowledged yet (clause 5.6.2.2).
    pub acknowledge: bool,
}

impl Sequence {
    /// V(R): the N(S) expected next, and the N(R) to send.
    pub const fn v_r(&self) -> u8 {
        self.v_r
    }

    /// Takes the N(S) of an I frame, for whose message there may be room or not (clauses 5.6.2, 5.8.1).
    #[inline]
    pub fn arrive(&mut self, n_s: u8, room: bool) -> Arrival {
        if n_s != self.v_r {
            return if std::mem::replace(&mut self.rejecting, true) { Arrival::OutOfSequence } else { Arrival::Gap };
        }
        if !room {
            return Arrival::NoRoom;
        }
        self.v_r = next(self.v_r);
        self.rejecting = false;
        self.acknowledge = true;
        Arrival::Taken
    }

    /// I frames sent (since the last step back) and not acknowledged: also the place in the queue of the next to send.
    pub const fn outstanding(&self) -> u8 {
        distance(self.v_a, self.v_s)
    }

    /// Whether the far end has acknowledged everything ever sent: V(A) = V(S) with nothing to repeat.
    pub const fn all_acknowledged(&self) -> bool {
        self.v_a == self.sent
    }

    /// Takes an N(R): the number of I frames it acknowledges, or `None` if it is outside V(A)..=highest sent
    /// (clause 5.8.5, N(R) sequence error).
    pub const fn acknowledge(&mut self, n_r: u8) -> Option<u8> {
        let count = distance(self.v_a, n_r);
        if count > distance(self.v_a, self.sent) {
            return None;
        }
        if count > self.outstanding() {
            self.v_s = n_r;
        }
        self.v_a = n_r;
        if count > 0 {
            self.went_back = false;
        }
        Some(count)
    }

    /// Goes back to send again all that is not acknowledged (clauses 5.6.4, 5.6.7).
    pub const fn go_back(&mut self) {
        self.v_s = self.v_a;
    }

    /// The N(S) for the next I frame, and whether it goes out again rather than for the first time.
    pub const fn send(&mut self) -> (u8, bool) {
        let n_s = self.v_s;
        let again = n_s != self.sent;
        self.v_s = next(n_s);
        if !again {
            self.sent = self.v_s;
        }
        (n_s, again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_acknowledgements_across_the_wrap_and_refuses_others() {
        let mut sequence = Sequence { v_a: 125, v_s: 125, sent: 125, ..Sequence::default() };
        assert_eq!(
            [(); 5].map(|()| sequence.send()),
            [(125, false), (126, false), (127, false), (0, false), (1, false)]
        );
        assert_eq!(sequence.acknowledge(124), None);
        assert_eq!(sequence.acknowledge(3), None);
        assert_eq!(sequence.acknowledge(127), Some(2));
        assert_eq!(sequence.outstanding(), 3);
        sequence.go_back();
        assert_eq!(sequence.send(), (127, true));
        // The first transmission of 0 is acknowledged while only 127 has been repeated.
        assert_eq!(sequence.acknowledge(1), Some(2));
        assert_eq!(sequence.send(), (1, true));
        assert!(!sequence.all_acknowledged());
        assert_eq!(sequence.acknowledge(2), Some(1));
        assert!(sequence.all_acknowledged());
    }
}
