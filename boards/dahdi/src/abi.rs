//! Numbers and layouts of the driver's user interface.
//!
//! No distribution installs the driver's header for programs, so they are written down here. A layout that is not the driver's
//! does not compile; a request's number holds the size of what it carries, and that is held against the layout as well.
//!
//! Source: `dahdi/user.h` of DAHDI 2.11.1, as numbers and offsets; 3.x has the same for all that is here.

use std::marker::PhantomData;

/// Blank, as the driver expects what is not filled in.
pub trait Blank: Copy {
    /// All zeros.
    const BLANK: Self;
}

impl Blank for i32 {
    const BLANK: i32 = 0;
}

impl<const N: usize> Blank for [u8; N] {
    const BLANK: [u8; N] = [0; N];
}

impl<const N: usize> Blank for [i32; N] {
    const BLANK: [i32; N] = [0; N];
}

/// A structure of the interface: its size, and each field with its offset.
macro_rules! layout {
    ($(#[$about:meta])* $name:ident, $size:literal { $($(#[$says:meta])* $offset:literal $field:ident: $kind:ty,)* }) => {
        $(#[$about])*
        #[repr(C, packed(2))]
        #[derive(Clone, Copy)]
        pub struct $name {
            $($(#[$says])* pub $field: $kind,)*
        }

        impl Blank for $name {
            const BLANK: $name = $name { $($field: <$kind as Blank>::BLANK,)* };
        }

        const _: () = {
            assert!(size_of::<$name>() == $size);
            $(assert!(std::mem::offset_of!($name, $field) == $offset);)*
        };
    };
}

layout! {
    /// `struct dahdi_params`: what a channel is.
    Parameters, 136 {
        /// Number of the channel asked about.
        0 channel: i32,
        /// Span it belongs to.
        4 span: i32,
        /// Its place there, from 1: the timeslot.
        8 position: i32,
        /// Signalling it is configured for.
        12 signalling: i32,
        /// Signalling it can be configured for, as bits.
        16 capable: i32,
        /// Hook and signalling bits, of no use on a common channel.
        20 hooks: [i32; 5],
        /// Law it converts by.
        40 law: i32,
        /// Signalling bits when idle.
        44 idle_bits: i32,
        /// Name.
        48 name: [u8; 40],
        /// Times of robbed-bit signalling.
        88 times: [i32; 11],
        /// Alarms of the channel alone.
        132 alarms: i32,
    }
}

layout! {
    /// `struct dahdi_spaninfo`: state and counters of a span.
    SpanInfo, 314 {
        /// Number of the span asked about.
        0 span: i32,
        /// Name, as configuration files use it.
        4 name: [u8; 20],
        /// Description.
        24 description: [u8; 40],
        /// Alarms, as [`alarm`] bits.
        64 alarms: i32,
        /// Levels.
        68 levels: [i32; 2],
        /// Bipolar violations.
        76 bipolar_violations: i32,
        /// CRC errors.
        80 crc_errors: i32,
        /// Errors the far end reports.
        84 e_bits: i32,
        /// Errors in the frame alignment signal.
        88 alignment_errors: i32,
        /// Framing errors.
        92 framing_errors: i32,
        /// Line code violations.
        96 code_violations: i32,
        /// Bit errors of a pattern.
        100 bit_errors: i32,
        /// State of the pattern receiver.
        104 pattern: i32,
        /// Errored seconds, as the driver counts them.
        108 errored_seconds: i32,
        /// Interrupts that came late.
        112 missed_interrupts: i32,
        /// Span the board takes its clock from; 0: its own.
        116 clock_source: i32,
        /// Channels configured.
        120 configured_channels: i32,
        /// Channels there are.
        124 channels: i32,
        /// Spans of the system.
        128 spans: i32,
        /// Line build-out.
        132 build_out: i32,
        /// Framing and coding, as [`mod@line`] bits.
        136 line: i32,
        /// Build-out in words.
        140 build_out_name: [u8; 40],
        /// Where the board sits.
        180 location: [u8; 40],
        /// Who made it.
        220 manufacturer: [u8; 40],
        /// Its kind.
        260 device: [u8; 40],
        /// Its interrupt.
        300 interrupt: i32,
        /// Framing and coding it can do, as [`mod@line`] bits.
        304 line_capable: i32,
        /// "T1", "E1" and others.
        308 kind: [u8; 6],
    }
}

layout! {
    /// `struct dahdi_maintinfo`: a command of [`maintenance`] for a span.
    Maintenance, 8 {
        /// Span.
        0 span: i32,
        /// Command.
        4 command: i32,
    }
}

layout! {
    /// `struct dahdi_lineconfig`: how a span is to be run.
    LineConfig, 36 {
        /// Span.
        0 span: i32,
        /// Name; not looked at.
        4 name: [u8; 20],
        /// Line build-out, 0 to 7.
        24 build_out: i32,
        /// Framing and coding, as [`mod@line`] bits.
        28 line: i32,
        /// Rank as a source of the board's clock; 0: never.
        32 timing: i32,
    }
}

layout! {
    /// `struct dahdi_chanconfig`: what a channel is to be used for.
    ChannelConfig, 76 {
        /// Channel.
        0 channel: i32,
        /// Name; not looked at.
        4 name: [u8; 40],
        /// Signalling, of [`signalling`].
        44 signalling: i32,
        /// Law.
        48 law: i32,
        /// The channel itself, unless it is joined to another.
        52 master: i32,
        /// Signalling bits when idle.
        56 idle_bits: i32,
        /// Name of a network device.
        60 network_device: [u8; 16],
    }
}

layout! {
    /// `struct dahdi_bufferinfo`: the buffers of a channel.
    Buffers, 24 {
        /// When sending begins; 0: at once.
        0 send_policy: i32,
        /// When receiving begins; 0: at once.
        4 receive_policy: i32,
        /// Buffers in each direction.
        8 number: i32,
        /// Octets of each.
        12 size: i32,
        /// Answered only: buffers to be read.
        16 to_read: i32,
        /// Answered only: buffers to be sent.
        20 to_send: i32,
    }
}

layout! {
    /// `struct dahdi_dynamic_span`: a span that is no board's.
    DynamicSpan, 72 {
        /// What carries it ("loc": another span of this machine).
        0 carrier: [u8; 20],
        /// Its address there.
        20 address: [u8; 40],
        /// Channels.
        60 channels: i32,
        /// Rank as a source of the clock.
        64 timing: i32,
        /// Answered: its number.
        68 span: i32,
    }
}

/// A request's number, tied to what it carries.
pub struct Code<T>(u32, PhantomData<T>);

impl<T> Code<T> {
    const fn new(number: u32) -> Code<T> {
        // Bits 16 to 29 are the size (asm-generic/ioctl.h).
        assert!(((number >> 16) & 0x3fff) as usize == size_of::<T>());
        Code(number, PhantomData)
    }

    /// The number.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.0
    }
}

/// The requests' numbers.
pub mod code {
    use super::{
        Buffers, ChannelConfig, Code, DynamicSpan, LineConfig, Maintenance as MaintenanceOrder, Parameters, SpanInfo,
    };

    macro_rules! codes {
        ($($(#[$about:meta])* $name:ident: $kind:ty = $number:literal,)*) => {
            $($(#[$about])* pub const $name: Code<$kind> = Code::new($number);)*
        };
    }

    codes! {
        /// Throw away what is buffered: bits of [`super::FLUSH_SEND`] and its like.
        FLUSH: i32 = 0x4004da03,
        /// What a channel is.
        PARAMETERS: Parameters = 0xc088da05,
        /// The oldest event of a channel.
        EVENT: i32 = 0x8004da08,
        /// State of a span.
        SPAN_STATUS: SpanInfo = 0xc13ada0a,
        /// Maintenance of a span.
        MAINTENANCE: MaintenanceOrder = 0x4008da0b,
        /// Configure a span.
        SPAN_CONFIG: LineConfig = 0x4024da12,
        /// Configure a channel.
        CHANNEL_CONFIG: ChannelConfig = 0x404cda13,
        /// Set the buffers of a channel.
        SET_BUFFERS: Buffers = 0x4018da1b,
        /// Convert and cancel echoes, rather than pass octets as they are.
        AUDIO_MODE: i32 = 0x4004da20,
        /// Echo canceller with so many taps.
        ECHO_CANCEL: i32 = 0x4004da21,
        /// The channel this file is for.
        SPECIFY: i32 = 0x4004da26,
        /// Send back what arrives, while nothing else is to be sent.
        LOOPBACK: i32 = 0x4004da3a,
        /// Make a dynamic span.
        DYNAMIC_CREATE: DynamicSpan = 0xc048da50,
        /// Take a dynamic span away.
        DYNAMIC_DESTROY: DynamicSpan = 0x4048da51,
        /// Start a span.
        STARTUP: i32 = 0x4004da63,
        /// Tell of overruns and underruns.
        BUFFER_EVENTS: i32 = 0x4004da69,
    }
}

/// Throw away what was received.
pub const FLUSH_RECEIVED: i32 = 1;
/// Throw away what is to be sent.
pub const FLUSH_SEND: i32 = 2;
/// Throw away both, and the events.
pub const FLUSH_ALL: i32 = 7;

/// The error that says events are to be read first; no number of the system's own.
pub const ELAST: i32 = 500;

/// Events of a channel.
pub mod event {
    /// There is none.
    pub const NONE: i32 = 0;
    /// The span is in alarm.
    pub const ALARM: i32 = 4;
    /// It is no longer.
    pub const NO_ALARM: i32 = 5;
    /// A frame ended by seven ones.
    pub const ABORT: i32 = 6;
    /// A frame longer than a buffer.
    pub const OVERRUN: i32 = 7;
    /// A frame with a wrong check sequence.
    pub const BAD_FCS: i32 = 8;
    /// The board has gone.
    pub const REMOVED: i32 = 20;
    /// Samples were lost for want of a buffer.
    pub const READ_OVERRUN: i32 = 29;
    /// There was nothing to send.
    pub const WRITE_UNDERRUN: i32 = 30;
}

/// Alarms of a span, as bits.
pub mod alarm {
    /// Soon over.
    pub const RECOVER: i32 = 1;
    /// Looped.
    pub const LOOPBACK: i32 = 2;
    /// RAI.
    pub const YELLOW: i32 = 4;
    /// LOS or LOF.
    pub const RED: i32 = 8;
    /// AIS.
    pub const BLUE: i32 = 0x10;
    /// The span was not started.
    pub const NOT_OPEN: i32 = 0x20;
    /// LOS.
    pub const LOS: i32 = 0x100;
    /// LOF.
    pub const LFA: i32 = 0x200;
    /// LOMF.
    pub const LMFA: i32 = 0x400;
}

/// Framing and coding, as bits.
pub mod line {
    /// T1 superframe.
    pub const D4: i32 = 1 << 4;
    /// T1 extended superframe.
    pub const ESF: i32 = 1 << 5;
    /// Alternate mark inversion.
    pub const AMI: i32 = 1 << 6;
    /// T1: eight zeros substituted.
    pub const B8ZS: i32 = 1 << 7;
    /// Common channel signalling.
    pub const CCS: i32 = 1 << 8;
    /// E1: high density bipolar.
    pub const HDB3: i32 = 1 << 9;
    /// E1: CRC-4 multiframe.
    pub const CRC4: i32 = 1 << 10;
}

/// Signalling of a channel.
pub mod signalling {
    /// Octets as they are.
    pub const CLEAR: i32 = 0x80;
    /// Frames, made and checked by the driver.
    pub const HDLC_FCS: i32 = 0x380;
    /// Frames, made and checked by the board.
    pub const HARD_HDLC: i32 = 0x80080;
}

/// Laws.
pub mod law {
    /// µ-law.
    pub const MU: i32 = 1;
    /// A-law.
    pub const A: i32 = 2;
}

/// Maintenance commands of a span.
pub mod maintenance {
    /// Normal traffic.
    pub const NONE: i32 = 0;
    /// Loop what is sent back to us.
    pub const LOCAL_LOOP: i32 = 1;
    /// Loop the line back to the network.
    pub const LINE_LOOP: i32 = 2;
    /// Send the loop-up code.
    pub const LOOP_UP: i32 = 3;
    /// Send the loop-down code.
    pub const LOOP_DOWN: i32 = 4;
    /// One wrong frame alignment signal.
    pub const FRAMING_ERROR: i32 = 6;
    /// One wrong CRC.
    pub const CRC_ERROR: i32 = 8;
    /// One bipolar violation.
    pub const BIPOLAR_ERROR: i32 = 11;
    /// Loop the payload back to the network.
    pub const PAYLOAD_LOOP: i32 = 13;
}
