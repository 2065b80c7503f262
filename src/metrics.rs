//! Metrics for Prometheus: how the daemon is, as figures.
//!
//! A scrape reads what `trunkctl` is answered from; it reaches neither the real-time thread nor the disk. What counts
//! begins at zero with the daemon; every series is there from the first scrape on, so that rates and alarms need no
//! special case for what has not happened yet.
//!
//! Data path: [`Readings`] → [`exposition`] → [`Server`] → whoever scrapes.
//! Source: OpenMetrics 1.0; the naming conventions of Prometheus (base units, `_total`).

mod server;
mod text;

pub use server::Server;

use control::{
    ChannelInfo, ChannelUse, Hold, LinkState, ServiceState, Severity, SpanCounters, SpanInfo, Status, SuspensionInfo,
    Timing,
};
use text::{Kind, Text};

/// What is told.
#[derive(Clone, Debug, Default)]
pub struct Readings {
    /// The answer to `status`.
    pub status: Status,
    /// The answer to `spans`.
    pub spans: Vec<SpanInfo>,
    /// The answer to `channels`, of all spans.
    pub channels: Vec<ChannelInfo>,
    /// The answer to `suspensions`.
    pub suspensions: Vec<SuspensionInfo>,
    /// Samples that never reached an encoder.
    pub samples_lost: u64,
    /// Samples of conferences that were clamped.
    pub samples_clipped: u64,
    /// The same of each conference that is open, by its event.
    pub clipped_by_event: Vec<(String, u64)>,
    /// By format: its name, events that are cast in it, listeners to it.
    pub formats: Vec<(&'static str, u64, u64)>,
}

/// A counter of a span: its name, what it tells, where it is.
type Counter = (&'static str, &'static str, fn(&SpanCounters) -> u64);

/// A number of channels: its name, what it tells, which count.
/// Reasons to keep a channel from calls, as they are written.
const HOLDS: [(&str, Hold); 7] = [
    ("operator", Hold::Operator),
    ("load", Hold::Load),
    ("no_port", Hold::NoPort),
    ("alarm", Hold::Alarm),
    ("test", Hold::Test),
    ("self_test", Hold::SelfTest),
    ("drain", Hold::Drain),
];

type Counted = (&'static str, &'static str, fn(&ChannelInfo) -> bool);

/// Powers of two of the bounds of the loop's histograms, in microseconds: 8 us to 1 s. The loop's own buckets end there,
/// so that the counts are exact.
const BOUNDS: std::ops::RangeInclusive<u32> = 3..=20;

/// The figures as text.
#[must_use]
pub fn exposition(readings: &Readings) -> String {
    let mut text = Text::default();
    server(&mut text, &readings.status, &readings.suspensions);
    formats(&mut text, &readings.formats);
    real_time(&mut text, readings);
    spans(&mut text, &readings.spans);
    channels(&mut text, &readings.spans, &readings.channels);
    text.finish()
}

fn server(text: &mut Text, status: &Status, suspensions: &[SuspensionInfo]) {
    text.family("trunkcast_build", Kind::Info, "The daemon's version.");
    text.sample(&[("version", &status.version), ("server", &status.server)], 1);
    text.family("trunkcast_start_time_seconds", Kind::Gauge, "When the daemon was started, since 1970 UTC.");
    text.sample(&[], status.started_at_ms as f64 / 1e3);
    for (name, help, value) in [
        ("trunkcast_calls", "Calls there are, in any stage.", status.calls),
        ("trunkcast_conferences", "Conferences that are open.", status.conferences),
        ("trunkcast_streams", "Streams on the air.", status.streams),
        ("trunkcast_listeners", "Listeners on all streams.", status.listeners),
        ("trunkcast_recordings", "Recordings being written.", status.recordings),
    ] {
        text.family(name, Kind::Gauge, help);
        text.sample(&[], value);
    }
    text.family("trunkcast_ports", Kind::Gauge, "Stream ports, by what they are doing.");
    let (free, used) = (status.free_ports, status.conferences);
    let failed = status.failed_ports;
    let held = status.total_ports.saturating_sub(free + used + failed);
    for (state, count) in [("free", free), ("in_use", used), ("held_back", held), ("unavailable", failed)] {
        text.sample(&[("state", state)], count);
    }
    text.family("trunkcast_alarms", Kind::Gauge, "Alarms that are present, by severity (X.733).");
    for (word, severity) in [
        ("warning", Severity::Warning),
        ("minor", Severity::Minor),
        ("major", Severity::Major),
        ("critical", Severity::Critical),
    ] {
        text.sample(&[("severity", word)], status.alarms.iter().filter(|a| a.severity == severity).count());
    }
    text.family("trunkcast_suspensions", Kind::Gauge, "Suspensions that nobody has resumed.");
    text.sample(&[], suspensions.len());
    text.family("trunkcast_suspensions_draining", Kind::Gauge, "Suspensions that wait for calls to end.");
    text.sample(&[], suspensions.iter().filter(|s| !s.progress.done).count());
}

fn formats(text: &mut Text, formats: &[(&'static str, u64, u64)]) {
    text.family("trunkcast_format_streams", Kind::Gauge, "Events on the air in a format.");
    formats.iter().for_each(|&(format, streams, _)| text.sample(&[("format", format)], streams));
    text.family("trunkcast_format_listeners", Kind::Gauge, "Listeners to a format; of HLS, about how many.");
    formats.iter().for_each(|&(format, _, listeners)| text.sample(&[("format", format)], listeners));
}

fn real_time(text: &mut Text, readings: &Readings) {
    let status = &readings.status;
    for (name, help, value) in [
        ("trunkcast_loop_ticks", "Ticks processed.", status.loop_.ticks),
        ("trunkcast_loop_overruns", "Ticks written off because too many were owed.", status.loop_.overruns),
        (
            "trunkcast_reports_lost",
            "Reports of the real-time thread that found their queue full.",
            status.dropped_reports,
        ),
        ("trunkcast_stream_samples_lost", "Samples that never reached an encoder.", readings.samples_lost),
        (
            "trunkcast_conference_samples_clipped",
            "Samples of conferences too loud for a telephone.",
            readings.samples_clipped,
        ),
    ] {
        text.family(name, Kind::Counter, help);
        text.sample(&[], value);
    }
    // A series for each conference while it is open: as many as there are ports at most.
    text.family("trunkcast_event_samples_clipped", Kind::Counter, "The same of one conference, while it is open.");
    for (event, samples) in &readings.clipped_by_event {
        text.sample(&[("event", event)], samples);
    }
    histogram(text, "trunkcast_loop_lateness_seconds", "How late a tick began.", &status.loop_.late);
    histogram(text, "trunkcast_loop_work_seconds", "How long a tick took.", &status.loop_.work);
    text.family("trunkcast_realtime", Kind::Gauge, "Whether the operating system granted it: 1, else 0.");
    let granted = &status.realtime;
    for (what, yes) in [("fifo", granted.fifo), ("memory_locked", granted.locked), ("pinned", granted.pinned)] {
        text.sample(&[("grant", what)], u8::from(yes));
    }
}

fn histogram(text: &mut Text, name: &'static str, help: &str, timing: &Timing) {
    text.family(name, Kind::Histogram, help);
    let up_to = |bound: u64| timing.buckets.iter().filter(|b| b.up_to_us < bound).map(|b| b.count).sum::<u64>();
    for power in BOUNDS {
        // Whole microseconds are counted, cut off: what is counted as N took less than N + 1.
        let bound = 1u64 << power;
        text.suffixed("_bucket", &[("le", &(bound as f64 / 1e6).to_string())], up_to(bound));
    }
    text.suffixed("_bucket", &[("le", "+Inf")], up_to(u64::MAX));
    text.suffixed("_count", &[], up_to(u64::MAX));
    text.suffixed("_sum", &[], timing.sum_us as f64 / 1e6);
}

fn spans(text: &mut Text, spans: &[SpanInfo]) {
    text.family("trunkcast_span", Kind::Info, "What a span is.");
    for span in spans {
        let labels = [("line", span.line.as_str()), ("switch", span.switch.as_str())];
        text.sample(&[&of(span, &span.number.to_string())[..], &labels].concat(), 1);
    }
    text.family("trunkcast_span_link_up", Kind::Gauge, "Whether the data link of the D channel is up: 1, else 0.");
    // A span whose D channel is on another one has no link that could be down.
    for span in spans.iter().filter(|span| span.link != LinkState::Shared) {
        let up = matches!(span.link, LinkState::Up | LinkState::Active | LinkState::Standby);
        text.sample(&of(span, &span.number.to_string()), u64::from(up));
    }
    let mut each = |name, kind, help: &str, value: &dyn Fn(&SpanInfo) -> u64| {
        text.family(name, kind, help);
        for span in spans {
            text.sample(&of(span, &span.number.to_string()), value(span));
        }
    };
    each("trunkcast_span_channels", Kind::Gauge, "Bearer channels.", &|s| s.channels_total.into());
    each("trunkcast_span_channels_in_use", Kind::Gauge, "Bearer channels with a call.", &|s| s.in_use.into());
    let counters: [Counter; 7] = [
        ("trunkcast_calls_taken", "Calls taken.", |c| c.calls_taken),
        ("trunkcast_calls_refused", "Calls refused at their SETUP.", |c| c.calls_refused),
        ("trunkcast_span_link_losses", "Times the data link was lost.", |c| c.link_losses),
        ("trunkcast_span_restarts", "RESTARTs carried out for the exchange.", |c| c.restarts),
        ("trunkcast_span_frames_lost", "D-channel frames that arrived spoilt.", |c| c.frames_lost),
        ("trunkcast_span_frames_unsent", "D-channel frames the card had no room for.", |c| c.frames_unsent),
        ("trunkcast_span_slips", "Chunks dropped or put in because two clocks differ, or a tick was late.", |c| {
            c.slips
        }),
    ];
    for (name, help, value) in counters {
        each(name, Kind::Counter, help, &|s| value(&s.counters));
    }
    text.family("trunkcast_span_alarm", Kind::Gauge, "Whether a span has this alarm of layer 1: 1, else 0.");
    for span in spans {
        for (alarm, _) in hal::Alarms::all().iter_names() {
            let present = u8::from(span.alarms.iter().any(|a| a == alarm));
            text.sample(&[&of(span, &span.number.to_string())[..], &[("alarm", alarm)]].concat(), present);
        }
    }
}

fn of<'a>(span: &'a SpanInfo, number: &'a str) -> [(&'static str, &'a str); 2] {
    [("span", number), ("card", &span.card)]
}

fn channels(text: &mut Text, spans: &[SpanInfo], channels: &[ChannelInfo]) {
    const STATES: [(&str, ServiceState); 4] = [
        ("in_service", ServiceState::InService),
        ("maintenance", ServiceState::Maintenance),
        ("out_of_service", ServiceState::OutOfService),
        ("unknown", ServiceState::Unknown),
    ];
    text.family("trunkcast_channels", Kind::Gauge, "Bearer channels by the service state of either end.");
    for span in spans {
        let number = span.number.to_string();
        // Our own state is always known.
        for (near_word, near) in &STATES[..3] {
            for (far_word, far) in &STATES {
                let alike = |c: &&ChannelInfo| c.span == span.number && c.near == *near && c.far == *far;
                let labels = [("span", number.as_str()), ("near", near_word), ("far", far_word)];
                text.sample(&labels, channels.iter().filter(alike).count());
            }
        }
    }
    let of_span: [Counted; 3] = [
        ("trunkcast_channels_draining", "Channels that go out when their call ends.", |c| c.draining),
        ("trunkcast_channels_unacknowledged", "Channels whose SERVICE the far end has not acknowledged.", |c| {
            c.pending.is_some()
        }),
        ("trunkcast_channels_clearing", "Channels whose call is being cleared, or that restart.", |c| {
            matches!(c.use_, ChannelUse::Clearing | ChannelUse::Restarting)
        }),
    ];
    text.family(
        "trunkcast_channels_held",
        Kind::Gauge,
        "Channels that are kept from calls, by reason; one may have several.",
    );
    for span in spans {
        for (word, hold) in HOLDS {
            let held = |c: &&ChannelInfo| c.span == span.number && c.holds.iter().any(|info| info.hold == hold);
            let labels = [("span", &span.number.to_string()[..]), ("hold", word)];
            text.sample(&labels, channels.iter().filter(held).count());
        }
    }
    for (name, help, counts) in of_span {
        text.family(name, Kind::Gauge, help);
        for span in spans {
            let count = channels.iter().filter(|c| c.span == span.number && counts(c)).count();
            text.sample(&[("span", &span.number.to_string())], count);
        }
    }
}
