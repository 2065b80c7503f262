//! Defects: what is wrong with a line at this moment.

bitflags::bitflags! {
    /// What a board, or the data link, says of a line now. A defect that lasts becomes a failure.
    ///
    /// Source: ANSI T1.231 clause 6, ITU-T G.775, G.706. The D-channel link is no defect of the line itself; it is
    /// integrated beside them so that one place decides what is worth telling.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
    pub struct Defects: u8 {
        /// The card has gone: nothing can be said of the line.
        const ABSENT = 1 << 0;
        /// Loss of signal: no pulses arrive.
        const LOS = 1 << 1;
        /// Alarm indication signal: unframed all ones.
        const AIS = 1 << 2;
        /// Loss of frame alignment (out of frame).
        const LOF = 1 << 3;
        /// Loss of CRC-4 multiframe alignment.
        const LOMF = 1 << 4;
        /// Remote alarm indication: the far end does not hear us.
        const RAI = 1 << 5;
        /// The data link of the D channel is not established.
        const LINK_DOWN = 1 << 6;
    }
}

impl Defects {
    /// Those with which nothing that arrives can be used.
    pub const LOSS: Defects = Defects::ABSENT.union(Defects::LOS).union(Defects::AIS).union(Defects::LOF);
}
