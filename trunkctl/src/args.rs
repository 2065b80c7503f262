//! The command line.

pub mod conference;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use control::Severity;
use dsp::signals::Signal;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  refused by the daemon, answered with no, or a followed call failed
  2  the command line is wrong, or something it names cannot be read; also
     without --yes where there is nobody to ask
  3  no daemon answers, or the connection to it ended

The socket is --socket, else what TRUNKCAST_SOCKET in the environment names, or
else the first that answers of trunkcast-state/control.sock in this directory,
the same in one above it, and /run/trunkcast/control.sock.";

/// See and steer a running trunkcastd.
#[derive(Debug, Parser)]
#[command(name = "trunkctl", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    /// The daemon's control socket
    #[arg(long, global = true, value_name = "PATH", value_hint = ValueHint::FilePath)]
    pub socket: Option<PathBuf>,
    /// Answer with one JSON document (watch, trace: one a line)
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// How the daemon is: calls, streams, real-time loop, alarms
    Status,
    /// All of it on a full screen, once a second; suspend, resume and hang up from there
    Top(Top),
    /// What is wrong, and what to do about it; also without a daemon
    #[command(after_help = DOCTOR_HELP)]
    Doctor(Doctor),
    /// The spans: links, alarms, channels in use
    Spans,
    /// The channels of a span, or of all: service states and calls
    Channels {
        /// The span, as `trunkctl spans` shows it: `1` or `span 1` [default: all]
        #[arg(num_args = 0..=2, value_name = "SPAN")]
        span: Vec<String>,
    },
    /// The calls: who, how far, in which event
    Calls {
        /// Also the language of each, and how its last key sounded: length and levels, never which key
        #[arg(long)]
        long: bool,
    },
    /// The events: reserved, live and past, with their streams
    Events,
    /// The stream ports: free, in use, held back
    Ports,
    /// Reserve an event; prints its number and PINs, once
    #[command(after_help = "Example:\n  trunkctl reserve 'Town hall' --over-after 2h --archive-after 10m")]
    Reserve(Reserve),
    /// Cancel an event: it takes no calls, now or ever
    #[command(after_help = "Example:\n  trunkctl cancel 1012345679 --dry-run")]
    Cancel(CloseEvent),
    /// End an event, as a host does by keying 399
    #[command(after_help = "Example:\n  trunkctl end 1012345679 --yes")]
    End(CloseEvent),
    /// Conferences: who is in them, who is heard, who is let in
    #[command(subcommand)]
    Conference(conference::Conference),
    /// Clear a call
    #[command(after_help = "Example:\n  trunkctl hang-up 17")]
    HangUp {
        /// Number of the call, as `trunkctl calls` shows it
        #[arg(value_parser = call)]
        call: u64,
        #[command(flatten)]
        asking: Asking,
    },
    /// Take channels out of service: idle ones at once, busy ones after their call
    #[command(after_help = SUSPEND_HELP)]
    Suspend(Suspend),
    /// Put channels back into service
    #[command(after_help = "Example:\n  trunkctl resume span 1 --ticket INC-4711")]
    Resume(Resume),
    /// Say beforehand what an order would hit
    #[command(subcommand)]
    Plan(Plan),
    /// What is suspended: by whom, why, since when, and how far it has come
    Suspensions,
    /// The alarms that stand, the most severe first, and what to do about each
    #[command(after_help = "Example:\n  trunkctl alarms --history --json | jq '.[] | [.what, .since_ms, .cleared_ms]'")]
    Alarms {
        /// The last thousand that stood instead, the last that was cleared first
        #[arg(long)]
        history: bool,
    },
    /// What the line of a span, or of all, has suffered: errored seconds and their like
    #[command(after_help = PERFORMANCE_HELP)]
    Performance(Performance),
    /// Test channels: patterns, tones, levels, loopbacks
    #[command(subcommand)]
    Test(Bench),
    /// Try idle channels, encoders, stream ports, state directory and clock
    #[command(after_help = SELFTEST_HELP)]
    Selftest {
        /// Which channels [default: all]
        #[arg(num_args = 0..=2, value_name = TARGET)]
        target: Vec<String>,
    },
    /// Rehearse a fault on the line of a software card or in an encoder, or list those that stand
    #[command(after_help = FAULT_HELP)]
    Fault {
        /// The span (`1` or `span 1`) or stream port (`port 10003`), then the fault, or `clear`; those that stand are listed without
        #[arg(required = true, num_args = 1.., value_name = "SPAN WORDS")]
        words: Vec<String>,
    },
    /// Tell what happens, until Ctrl-C
    #[command(after_help = WATCH_HELP)]
    Watch {
        /// Leave out what is less severe
        #[arg(long, value_enum, value_name = "SEVERITY", default_value = "info")]
        at_least: AtLeast,
    },
    /// Show what goes over the D channel of a span, in words and octets
    #[command(after_help = TRACE_HELP)]
    Trace(Trace),
    /// The keys in a recording, and why some were not heard; without a daemon
    #[command(after_help = DTMF_HELP)]
    Dtmf(Dtmf),
    /// Call in, with the exchange in software
    #[command(subcommand)]
    Exchange(Exchange),
    /// Print a completion script for a shell
    #[command(
        after_help = "Example:\n  trunkctl completions bash > ~/.local/share/bash-completion/completions/trunkctl"
    )]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the manual pages, one for each command
    #[command(hide = true, after_help = "Example:\n  trunkctl man /usr/local/share/man/man1")]
    Man {
        /// The directory to write them to [default: print that of trunkctl itself]
        #[arg(value_hint = ValueHint::DirPath)]
        directory: Option<PathBuf>,
    },
}

const DTMF_HELP: &str = "\
The file is a WAV file of 8000 samples a second: 16-bit, or mu-law or A-law as on
the line. A press that was not heard, or hardly, has a line below that says why.
Keys are shown as they were pressed, PINs among them, unless --hide-keys is given.

Examples:
  trunkctl dtmf complaint.wav
  trunkctl dtmf --raw --law a channel-17.al     octets as they were on the line
  trunkctl dtmf complaint.wav --json | jq '.presses[] | select(.heard | not)'";

/// A recording to listen to.
#[derive(Debug, Args)]
pub struct Dtmf {
    /// The recording
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub file: PathBuf,
    /// It has no header: 16-bit samples, low octet first, unless --law says otherwise
    #[arg(long)]
    pub raw: bool,
    /// With --raw: octets of this law, as on the line
    #[arg(long, value_enum, requires = "raw", value_name = "LAW")]
    pub law: Option<LineLaw>,
    /// Show `x` for each key
    #[arg(long)]
    pub hide_keys: bool,
}

/// A law of companding (G.711).
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LineLaw {
    /// mu-law: North America and Japan
    Mu,
    /// A-law: elsewhere
    A,
}

const DOCTOR_HELP: &str = "\
The exit code is 0 when there is nothing worse than `info`, else 1.

Examples:
  trunkctl doctor
  trunkctl doctor --config /etc/trunkcast/trunkcastd.toml     why does it not start?
  trunkctl doctor --json | jq '.[] | select(.severity == \"major\")'";

/// The examination.
#[derive(Debug, Args)]
pub struct Doctor {
    /// When no daemon runs: the configuration it would be started with
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config: Option<PathBuf>,
}

/// The full screen.
#[derive(Debug, Args)]
pub struct Top {
    /// Without colour; so does a variable NO_COLOR in the environment
    #[arg(long, alias = "no-color")]
    pub no_colour: bool,
}

/// The event to reserve.
#[derive(Debug, Args)]
pub struct Reserve {
    /// Its title
    #[arg(value_parser = title)]
    pub title: String,
    /// A format to stream it in: mp3, pcmu, webm, ogg, hls; may be repeated [default: the daemon's]
    #[arg(long = "format", value_name = "FORMAT")]
    pub formats: Vec<String>,
    /// After the last hang-up, the event is over when nobody calls for so long [default: the daemon's]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub over_after: Option<Duration>,
    /// After the last hang-up, the archive is due when nobody calls for so long [default: the daemon's]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub archive_after: Option<Duration>,
}

/// The event to close.
#[derive(Debug, Args)]
pub struct CloseEvent {
    /// Number of the event
    pub event: String,
    #[command(flatten)]
    pub asking: Asking,
}

/// Whether to ask first.
#[derive(Clone, Copy, Debug, Args)]
pub struct Asking {
    /// Do not ask
    #[arg(long, short)]
    pub yes: bool,
    /// Only show what would be hit
    #[arg(long, conflicts_with = "yes")]
    pub dry_run: bool,
}

const TARGET: &str = "TARGET";

const SUSPEND_HELP: &str = "\
TARGET is `server`, `card NAME`, `span N`, `channel N/M` or `channel N/M-K`. What
is suspended stays so until it is resumed, also over a restart, and whatever the
exchange says. A span of which all channels are out is taken away from the
exchange as its out_of_service in the configuration has it.

Examples:
  trunkctl plan suspend span 1                      who would be hit
  trunkctl suspend span 1 --reason 'cable' --ticket INC-4711
  trunkctl suspend channel 2/5-8 --grace 10m        then callers are let go
  trunkctl suspend server --until 06:00             back by itself at 6, UTC";

/// The channels to take out.
#[derive(Debug, Args)]
pub struct Suspend {
    /// What to take out: `server`, `card NAME`, `span N`, `channel N/M`, `channel N/M-K`
    #[arg(required = true, num_args = 1..=2, value_name = TARGET)]
    pub target: Vec<String>,
    /// Wait for calls to end; the default
    #[arg(long, conflicts_with_all = ["now", "grace"])]
    pub drain: bool,
    /// Do not wait: callers are told and let go at once
    #[arg(long, conflicts_with = "grace")]
    pub now: bool,
    /// Wait for so long; callers that remain are told and let go then
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub grace: Option<Duration>,
    /// Resume by itself then: 06:00 (UTC), 2026-01-31T06:00:00Z, or 2h30m from now
    #[arg(long, value_name = "TIME", value_parser = crate::service::moment)]
    pub until: Option<SystemTime>,
    /// Why, for whoever finds it later
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Number of a ticket
    #[arg(long, value_name = "ID")]
    pub ticket: Option<String>,
    /// For which reason it counts; a channel is back when none is left
    #[arg(long = "for", value_enum, value_name = "REASON", default_value = "operator")]
    pub hold: Hold,
    #[command(flatten)]
    pub asking: Asking,
    /// Tell how far it has come until all are out [default: at a terminal]
    #[arg(long, overrides_with = "no_follow")]
    pub follow: bool,
    /// Return as soon as it is ordered
    #[arg(long)]
    pub no_follow: bool,
}

/// The channels to put back.
#[derive(Debug, Args)]
pub struct Resume {
    /// What to put back: `server`, `card NAME`, `span N`, `channel N/M`, `channel N/M-K`
    #[arg(required = true, num_args = 1..=2, value_name = TARGET)]
    pub target: Vec<String>,
    /// Why, for the audit log
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Number of a ticket
    #[arg(long, value_name = "ID")]
    pub ticket: Option<String>,
    /// The reason that no longer applies
    #[arg(long = "for", value_enum, value_name = "REASON", default_value = "operator")]
    pub hold: Hold,
    #[command(flatten)]
    pub asking: Asking,
}

/// The order to look at.
#[derive(Debug, Subcommand)]
pub enum Plan {
    /// Which calls a suspension would hit, and what the exchange would be told
    Suspend(Suspend),
}

/// Reasons to keep channels out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "they would become help texts that say the same word again")]
pub enum Hold {
    Operator,
    Load,
}

impl Hold {
    /// As the protocol has it.
    #[must_use]
    pub fn hold(self) -> control::Hold {
        match self {
            Hold::Operator => control::Hold::Operator,
            Hold::Load => control::Hold::Load,
        }
    }
}

const WATCH_HELP: &str = "\
With --json a document a line, whose `kind` and fields are in the manual (\"The event stream\"): holds with who and why, service
states, alarms, calls, tests, drains.

Examples:
  trunkctl watch --at-least warning
  trunkctl watch --json | jq 'select(.kind == \"hold\") | {span, hold, placed, released, orders}'";

const PERFORMANCE_HELP: &str = "\
Errors are counted second by second, and kept by quarters of an hour for a day
and by days for two, over restarts of the daemon as well. Seconds in which nobody
counted are missing (`!`), not clean. What the counters mean is in the manual.

Examples:
  trunkctl performance                       all spans, now and over the last day
  trunkctl performance 2 --intervals 96      when it happened
  trunkctl performance 2 --far --day         what the far end receives, and days";

/// What to show of it.
#[derive(Debug, Args)]
pub struct Performance {
    /// Number of the span, as `trunkctl spans` shows it
    pub span: Option<u16>,
    /// So many ended quarters of an hour, the last ones; at most 96 are kept
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub intervals: usize,
    /// What the far end receives as well, where it tells
    #[arg(long)]
    pub far: bool,
    /// The current day and the one before as well
    #[arg(long)]
    pub day: bool,
}

const SELFTEST_HELP: &str = "\
Channels that carry calls, are suspended or in test are skipped, and so are those
of cards that cannot loop a timeslot. Eight timeslots at a time are kept from calls, for two
seconds. Exit code: 0 when nothing failed.

Examples:
  trunkctl selftest
  trunkctl selftest span 1 --json | jq '.items[] | select(.verdict == \"failed\")'";

const FAULT_HELP: &str = "\
WORDS are what arrives here from the line; `sent` before them means what we send.

  los | lof | ais | rai | errors RATE | stuck TIMESLOT [OCTET] | noisy TIMESLOT
  line-code N | path N | framing N | slips N       so many, once
  d-garbage | d-loss PERCENT | d-deaf              the D channel
  removed                                          the whole card
  clear [FAULT]                                    without it: all of this direction

Of a stream port, `dead` lets its encoders give nothing from the next stream on, until `clear`.

Examples:
  trunkctl fault 1 errors 1e-6
  trunkctl fault 1 sent los
  trunkctl fault 1 clear
  trunkctl fault port 10003 dead";

const BERT_HELP: &str = "\
TARGET is `span N`, `channel N/M`, `channel N/M-K`, `card NAME` or `server`. Its
channels are kept from calls until the test is over. Each is tested by itself.

Patterns: 2^11-1 2^15-1 2^20-1 2^23-1 (or prbs11 and so on), qrss, ones, zeros,
alternating, 1:7, 3-in-24, or up to 32 bits of your own such as 0b0001.

Exit code: 0 when all channels passed, 1 when one failed or the test could not go on.

Examples:
  trunkctl test bert channel 1/5 --loop timeslot --for 10s --yes
  trunkctl test bert span 1 --loop line            the far end is asked for a loop
  trunkctl test bert channel 1/5 --loop timeslot --insert-errors 5";

const LOOPBACK_HELP: &str = "\
  local     what we send turns round in our own framer (whole span)
  line      all that arrives is sent back, framing included (whole span)
  payload   the timeslots that arrive are sent back (whole span)
  timeslot  what arrives on these channels is sent back; the others go on
  off       release what was set

A loopback of a whole span takes its D channel down. Whatever stands is released
after 20 minutes, or after --for.

Examples:
  trunkctl test loopback channel 1/5 timeslot
  trunkctl test loopback span 1 line --for 5m
  trunkctl test loopback span 1 off";

/// The signals there are.
fn tone_help() -> String {
    let mut text = String::from("Signals, each for as long as the test runs:\n");
    for signal in &Signal::ALL {
        text += &format!("  {:<18} {}\n", signal.name, signal.what);
    }
    text + "\nExamples:\n  trunkctl test tone channel 1/5 --frequency 2804 --level -16 --for 30s\n  \
            trunkctl test tone channel 1/5 busy-europe"
}

const CALL_HELP: &str = "\
The call goes over the highest idle channel of the span. It passes when it is
answered; else the cause says why. Times count from SETUP.

Examples:
  trunkctl test call 102                  a milliwatt: 1004 Hz at 0 dBm0
  trunkctl test call +12025550102 --span 2 --for 20s";

/// What to test.
#[derive(Debug, Subcommand)]
pub enum Bench {
    /// Send a pattern, compare what comes back, count wrong bits
    #[command(after_help = BERT_HELP)]
    Bert {
        /// Where: `span N`, `channel N/M`, `channel N/M-K`, `card NAME`, `server`
        #[arg(required = true, num_args = 1..=2, value_name = TARGET)]
        target: Vec<String>,
        /// The pattern
        #[arg(long, default_value = "qrss", value_parser = pattern)]
        pattern: String,
        /// Errors to put in, to see that they are found: a rate such as 1e-3, or so many
        #[arg(long, value_name = "RATE|N", value_parser = errors)]
        insert_errors: Option<Errors>,
        /// Where it turns round: none is set, ours is, or the far end is asked (line, payload)
        #[arg(long = "loop", value_enum, default_value = "none")]
        loop_: Looped,
        #[command(flatten)]
        running: Running,
    },
    /// Set a loopback at our end, or release it
    #[command(after_help = LOOPBACK_HELP)]
    Loopback {
        /// TARGET, then `local`, `line`, `payload`, `timeslot` or `off`
        #[arg(required = true, num_args = 2..=3, value_name = "TARGET LOOPBACK")]
        what: Vec<String>,
        #[command(flatten)]
        running: Running,
    },
    /// Send a tone, or a signal such as busy, and measure what comes
    #[command(after_help = tone_help())]
    Tone {
        /// TARGET, then the name of a signal, or none for a tone
        #[arg(required = true, num_args = 1..=3, value_name = "TARGET [SIGNAL]")]
        what: Vec<String>,
        /// Frequency of the tone in Hz [default: 1004]
        #[arg(long, value_name = "HZ")]
        frequency: Option<f32>,
        /// Level of the tone in dBm0 [default: -10]
        #[arg(long, value_name = "DBM0", allow_negative_numbers = true)]
        level: Option<f32>,
        #[command(flatten)]
        running: Running,
    },
    /// Measure what comes: level, strongest tone, noise
    Level {
        /// Where: `span N`, `channel N/M`, `channel N/M-K`, `card NAME`, `server`
        #[arg(required = true, num_args = 1..=2, value_name = TARGET)]
        target: Vec<String>,
        #[command(flatten)]
        running: Running,
    },
    /// Place a call, say how far it comes and what is heard, and hang up
    #[command(after_help = CALL_HELP)]
    Call {
        /// The number; a leading + makes it international
        number: String,
        /// Over this span [default: any]
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
        span: Option<u16>,
        /// So long an answer is waited for, and so long again it stays up then
        #[arg(long = "for", value_name = "DURATION", default_value = "10s", value_parser = duration)]
        for_: Duration,
        /// Return as soon as it is ordered
        #[arg(long)]
        no_follow: bool,
        #[command(flatten)]
        asking: Asking,
    },
    /// The tests that go on, and the last that are over
    List,
    /// End a test
    Stop {
        /// Its number, as `trunkctl test list` shows it
        id: u64,
    },
}

/// How a test runs.
#[derive(Debug, Args)]
pub struct Running {
    /// How long [default: a pattern or tone 1m, a level 5s, a loopback 20m]
    #[arg(long = "for", value_name = "DURATION", value_parser = duration)]
    pub for_: Option<Duration>,
    /// Wait for calls to end; without it channels with calls are refused
    #[arg(long)]
    pub drain: bool,
    /// Return as soon as it is ordered
    #[arg(long)]
    pub no_follow: bool,
    #[command(flatten)]
    pub asking: Asking,
}

/// Where a pattern turns round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "they would become help texts that say the same word again")]
pub enum Looped {
    None,
    Local,
    Line,
    Payload,
    Timeslot,
}

impl Looped {
    /// As the protocol has it.
    #[must_use]
    pub fn word(self) -> control::LoopWord {
        match self {
            Looped::None => control::LoopWord::None,
            Looped::Local => control::LoopWord::Local,
            Looped::Line => control::LoopWord::Line,
            Looped::Payload => control::LoopWord::Payload,
            Looped::Timeslot => control::LoopWord::Timeslot,
        }
    }
}

/// The last word of `test loopback`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoopAt {
    /// Set this one.
    Loop(Looped),
    /// Release it.
    Off,
}

impl LoopAt {
    /// What a word means.
    #[must_use]
    pub fn of(word: &str) -> Option<LoopAt> {
        match word {
            "off" => Some(LoopAt::Off),
            "none" => None,
            word => Looped::from_str(word, false).ok().map(LoopAt::Loop),
        }
    }
}

/// Errors to put into a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Errors(pub control::InsertErrors);

fn errors(text: &str) -> Result<Errors, String> {
    if let Ok(count) = text.parse::<u64>() {
        return Ok(Errors(control::InsertErrors::Count(count)));
    }
    match text.parse::<f64>() {
        Ok(rate) if (1e-9..=1e-2).contains(&rate) => {
            Ok(Errors(control::InsertErrors::OneIn((1.0 / rate).round() as u64)))
        }
        _ => Err("a rate from 1e-2 to 1e-9, or a number of errors".into()),
    }
}

/// The pseudo-random ones are also known by the length of their register.
fn pattern(text: &str) -> Result<String, String> {
    match text.strip_prefix("prbs").map(str::parse::<u8>) {
        Some(Ok(length)) => Ok(format!("2^{length}-1")),
        Some(Err(_)) => Err("prbs11, prbs15, prbs20 or prbs23".into()),
        None => Ok(text.into()),
    }
}

/// The frames to show.
#[derive(Debug, Args)]
pub struct Trace {
    /// The span, as `trunkctl spans` shows it: `1` or `span 1`
    #[arg(required = true, num_args = 1..=2, value_name = "SPAN")]
    pub span: Vec<String>,
    /// What is remembered, then exit [default: what comes from now on, until Ctrl-C]
    #[arg(long)]
    pub ring: bool,
    /// Write a capture for Wireshark or tshark instead; `-` is the standard output
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub write: Option<PathBuf>,
    /// With callers' numbers and names whole
    #[arg(long)]
    pub numbers: bool,
    /// Leave out frames that carry no message
    #[arg(long)]
    pub messages: bool,
}

const TRACE_HELP: &str = "\
Every frame is remembered, the last 4096 of each span, also while nobody looks.

What a caller keyed is never shown: keypad digits, and digits dialled behind the
longest configured number (call_in.numbers; without any, behind 15 digits).
Numbers and names of callers are masked with `x`, all but the last two digits,
unless --numbers is given. Masked captures keep their lengths.

Examples:
  trunkctl trace 1                                 what comes
  trunkctl trace 1 --ring --messages | less        what led to it
  trunkctl trace 1 --ring --write failure.pcap     the same for others to see
  trunkctl trace 1 --write - | wireshark -k -i -   live in Wireshark";

/// The exchange in software.
#[derive(Debug, Subcommand)]
pub enum Exchange {
    /// Call in: dial, key event number and PIN, speak a sound file, listen, hang up
    #[command(after_help = DIAL_EXAMPLES)]
    Dial(Box<Dial>),
    /// The calls it makes, and made lately
    Calls,
    /// Hang up one of them
    HangUp {
        /// Number of the call, as `trunkctl exchange calls` shows it
        #[arg(value_parser = call)]
        id: u64,
    },
}

const DIAL_EXAMPLES: &str = "\
Examples:
  trunkctl exchange dial --event 1012345679 --pin-file pin --wav speech.wav \\
      --record heard.wav --hold 5s
  trunkctl exchange dial --event 1012345679 --pin - < pin
  trunkctl exchange dial --event 1012345679 --pin 86421357 --wav music.wav \\
      --repeat forever --no-follow

A PIN on the command line can be seen by everybody who lists the processes of
this machine. Sound files are WAV, 8 kHz, one channel, 16 bit; it is the daemon
that reads and writes them.";

/// A call to make.
#[derive(Args)]
pub struct Dial {
    /// Number of the event to key
    #[arg(long, value_name = "NUMBER")]
    pub event: Option<String>,
    /// PIN to key; `-` reads it from the standard input
    #[arg(long, value_name = "PIN", conflicts_with = "pin_file", allow_hyphen_values = true)]
    pub pin: Option<String>,
    /// File whose first line is the PIN
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub pin_file: Option<PathBuf>,
    /// Sound file to speak
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub wav: Option<PathBuf>,
    /// Sound file to write what is heard to
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub record: Option<PathBuf>,
    /// How often to speak: a number, or `forever`
    #[arg(long, value_name = "TIMES", default_value = "1", value_parser = repeat)]
    pub repeat: control::Repeat,
    /// Listen for so long after the last word, then hang up [default: until the far end hangs up]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub hold: Option<Duration>,
    /// Number to dial [default: the first of call_in.numbers, else 100]
    #[arg(long, value_name = "NUMBER")]
    pub called: Option<String>,
    /// The caller's own number [default: not told]
    #[arg(long, value_name = "NUMBER")]
    pub calling: Option<String>,
    /// The caller's name [default: not told]
    #[arg(long)]
    pub name: Option<String>,
    /// Milliseconds a key is held
    #[arg(long, value_name = "MS", default_value_t = 100)]
    pub key_on: u32,
    /// Milliseconds between keys
    #[arg(long, value_name = "MS", default_value_t = 100)]
    pub key_off: u32,
    /// Level of each of a key's two tones
    #[arg(long, value_name = "DBM0", default_value_t = -10.0, allow_negative_numbers = true)]
    pub key_level: f32,
    /// Tell how the call goes until it ends [default: at a terminal]
    #[arg(long, overrides_with = "no_follow")]
    pub follow: bool,
    /// Return as soon as it is dialled
    #[arg(long)]
    pub no_follow: bool,
}

impl std::fmt::Debug for Dial {
    /// Without the PIN.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dial").field("wav", &self.wav).field("record", &self.record).finish_non_exhaustive()
    }
}

/// The number of a call.
pub fn call(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "the number of a call, such as 17".to_owned())
}

fn title(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("what the event is called, in a word or more".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

/// For how long.
fn duration(text: &str) -> Result<Duration, String> {
    humantime::parse_duration(text).map_err(|_| "a time with its unit, such as 90s, 10m, 2h or 1h 30m".to_owned())
}

fn repeat(text: &str) -> Result<control::Repeat, String> {
    if text == "forever" {
        return Ok(control::Repeat::Forever);
    }
    match text.parse() {
        Ok(0) | Err(_) => Err("a number from 1 on, or `forever`".into()),
        Ok(times) => Ok(control::Repeat::Times(times)),
    }
}

/// The number of a span, written `1` or `span 1`.
pub fn span(words: &[String]) -> Result<u16, String> {
    let number = match words {
        [number] => number.parse().ok(),
        [span, number] if span == "span" => number.parse().ok(),
        _ => None,
    };
    number.filter(|n| *n > 0).ok_or_else(|| format!("`{}` is no span: write 1 or `span 1`", words.join(" ")))
}

/// Severities to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "they would become help texts that say the same word again")]
pub enum AtLeast {
    Info,
    Cleared,
    Warning,
    Minor,
    Major,
    Critical,
}

impl AtLeast {
    /// As the protocol has it.
    #[must_use]
    pub fn severity(self) -> Severity {
        match self {
            AtLeast::Info => Severity::Info,
            AtLeast::Cleared => Severity::Cleared,
            AtLeast::Warning => Severity::Warning,
            AtLeast::Minor => Severity::Minor,
            AtLeast::Major => Severity::Major,
            AtLeast::Critical => Severity::Critical,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_span_is_named_either_way() {
        let words = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert_eq!((span(&words("2")), span(&words("span 2"))), (Ok(2), Ok(2)));
        for wrong in ["0", "span", "spam 2", "2 span", "x"] {
            assert!(span(&words(wrong)).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_counted_or_for_ever() {
        assert_eq!(repeat("3"), Ok(control::Repeat::Times(3)));
        assert_eq!(repeat("forever"), Ok(control::Repeat::Forever));
        for wrong in ["0", "-1", "", "often", "99999999999"] {
            assert!(repeat(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn errors_are_a_rate_or_a_number_of_them() {
        use control::InsertErrors::{Count, OneIn};
        assert_eq!(errors("1e-3"), Ok(Errors(OneIn(1000))));
        assert_eq!(errors("0.01"), Ok(Errors(OneIn(100))));
        assert_eq!(errors("5"), Ok(Errors(Count(5))));
        for wrong in ["", "0.5", "-1", "1e-10", "many"] {
            assert!(errors(wrong).is_err(), "{wrong}");
        }
        assert_eq!(pattern("prbs15"), Ok("2^15-1".into()));
        assert_eq!((LoopAt::of("off"), LoopAt::of("none")), (Some(LoopAt::Off), None));
    }

    #[test]
    fn the_pin_is_not_in_the_debug_form() {
        let cli = Cli::try_parse_from(["trunkctl", "exchange", "dial", "--pin", "86421357"]).expect("parsed");
        assert!(!format!("{cli:?}").contains("8642"));
    }
}
