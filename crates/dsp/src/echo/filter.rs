//! The adaptive filter: what of the sent signal comes back, learnt while it comes.
//!
//! A model of the echo path in the frequency domain, in partitions of 10 ms, and for each coefficient how far it may still be
//! off. How much is learnt from a block follows from both: much where the model is unsure and the echo is loud, next to
//! nothing where somebody speaks at the near end. That is what keeps it from diverging in double talk, with no detector
//! of double talk to be deceived.
//!
//! Data path: blocks of 5 ms, sent and received → echo estimate, and what it leaves.
//! Time: one block a call.
//! Source: our own, after the frequency-domain Kalman filter of Enzner and Vary (Signal Processing 86, 2006) in partitions
//! (overlap-save); G.168 for what it has to achieve.
//! Words: *partition*, 80 taps of the echo path; *deviation*, the expected square of a coefficient's error.

use realfft::num_complex::Complex32;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use simd::Kernel;
use std::sync::{Arc, LazyLock};

/// Samples in a block: 5 ms.
pub(super) const BLOCK: usize = 40;

/// Taps in a partition: two blocks.
const TAPS: usize = 2 * BLOCK;

/// Length of a transform: a block, the taps before it, and a power of two.
const LENGTH: usize = 128;

const BINS: usize = LENGTH / 2 + 1;

/// Bins with those that fill up whole vectors; the rest are always zero.
const LANES: usize = 80;

/// What part of a transform a block is.
const SHARE: f32 = BLOCK as f32 / LENGTH as f32;

/// Power that a hybrid returns at most, as it is believed before anything was heard: all of it.
const PRIOR: f32 = 1.0;

/// How little a path changes by itself in a block, as a share of its power.
const RESTLESS: f32 = 3e-4;

/// The deviation never falls below this share of the prior: an electrical path may change at any time.
const LEAST_DEVIATION: f32 = 1e-6;

/// Weight of the present block in the power of what is not echo.
const FRESH: f32 = 0.3;

/// The least power of what is not echo, in a bin: what G.711 leaves of silence.
const QUIET: f32 = LENGTH as f32 * 16.0;

#[derive(Debug, Clone)]
struct Spectrum {
    re: [f32; LANES],
    im: [f32; LANES],
}

const NOTHING: Spectrum = Spectrum { re: [0.0; LANES], im: [0.0; LANES] };

/// The transforms, made once for all legs.
struct Transforms {
    forward: Arc<dyn RealToComplex<f32>>,
    inverse: Arc<dyn ComplexToReal<f32>>,
}

static TRANSFORMS: LazyLock<Transforms> = LazyLock::new(|| {
    let mut planner = RealFftPlanner::new();
    Transforms { forward: planner.plan_fft_forward(LENGTH), inverse: planner.plan_fft_inverse(LENGTH) }
});

/// The powers of one block, as mean squares a sample.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Powers {
    /// What was received.
    pub received: f32,
    /// What the filter takes for echo.
    pub estimate: f32,
    /// What is left when that is taken out.
    pub left: f32,
    /// What of the echo may be left, as far as the filter knows itself.
    pub doubt: f32,
}

/// One leg's filter.
#[derive(Clone)]
pub(super) struct Filter {
    partitions: usize,
    /// Spectra of what was sent, one a block, in a circle; `newest` is the place of the last.
    sent: Box<[Spectrum]>,
    newest: usize,
    window: [f32; LENGTH],
    path: Box<[Spectrum]>,
    deviation: Box<[[f32; LANES]]>,
    /// Power of what is not echo.
    other: [f32; LANES],
    /// The partition whose taps beyond its length are taken out next.
    tidy: usize,
    time: [f32; LENGTH],
    bins: [Complex32; BINS],
    scratch: Box<[Complex32]>,
    /// Received and left, smoothed over 50 ms, to see whether the filter does harm.
    long_received: f32,
    long_left: f32,
}

impl Filter {
    /// A filter for echoes of up to `tail_ms`. The only allocation it ever makes.
    pub fn new(tail_ms: u32) -> Self {
        let partitions = (crate::samples_in_ms(tail_ms) as usize).div_ceil(TAPS).max(1);
        let scratch = TRANSFORMS.forward.get_scratch_len().max(TRANSFORMS.inverse.get_scratch_len());
        let mut filter = Self {
            partitions,
            sent: vec![NOTHING; 2 * partitions].into(),
            newest: 0,
            window: [0.0; LENGTH],
            path: vec![NOTHING; partitions].into(),
            deviation: vec![[0.0; LANES]; partitions].into(),
            other: [QUIET; LANES],
            tidy: 0,
            time: [0.0; LENGTH],
            bins: [Complex32::ZERO; BINS],
            scratch: vec![Complex32::ZERO; scratch].into(),
            long_received: 0.0,
            long_left: 0.0,
        };
        filter.forget();
        filter
    }

    /// Nothing of the path is known any more.
    pub fn forget(&mut self) {
        self.sent.fill(NOTHING);
        self.window.fill(0.0);
        self.path.fill(NOTHING);
        self.other.fill(QUIET);
        (self.newest, self.tidy, self.long_received, self.long_left) = (0, 0, 0.0, 0.0);
        self.doubt_all();
    }

    /// What is known of the path may be wrong throughout.
    fn doubt_all(&mut self) {
        let prior = PRIOR / self.partitions as f32;
        for deviation in &mut self.deviation {
            deviation[..BINS].fill(prior);
        }
    }

    /// Take in what was sent in a block.
    pub fn sent(&mut self, block: &[i16; BLOCK]) {
        self.window.copy_within(BLOCK.., 0);
        for (place, &sample) in self.window[LENGTH - BLOCK..].iter_mut().zip(block) {
            *place = f32::from(sample);
        }
        self.newest = (self.newest + 1) % self.sent.len();
        self.time = self.window;
        forward(&mut self.time, &mut self.bins, &mut self.scratch, &mut self.sent[self.newest]);
    }

    /// Nothing was sent for as long as the tail: as [`sent`](Self::sent) with silence, at no cost.
    pub fn nothing_sent(&mut self) {
        if self.window.iter().any(|&sample| sample != 0.0) {
            self.window.fill(0.0);
            self.sent.fill(NOTHING);
        }
    }

    /// Take the echo out of what was received in the block whose [`sent`](Self::sent) was told, and learn.
    pub fn cancel(&mut self, received: &[f32; BLOCK], left: &mut [f32; BLOCK]) -> Powers {
        let Self { sent, newest, path, deviation, .. } = self;
        let (estimate, unsure) = simd::run(Estimate { sent, newest: *newest, path, deviation });
        inverse(&estimate, &mut self.bins, &mut self.scratch, &mut self.time);
        let (mut powers, mut error) = (Powers::default(), [0.0; LENGTH]);
        for n in 0..BLOCK {
            let echo = self.time[LENGTH - BLOCK + n];
            left[n] = received[n] - echo;
            error[LENGTH - BLOCK + n] = left[n];
            powers.received += received[n] * received[n];
            powers.estimate += echo * echo;
            powers.left += left[n] * left[n];
        }
        let samples = BLOCK as f32;
        powers.received /= samples;
        powers.estimate /= samples;
        powers.left /= samples;
        // Both halves of the spectrum; Parseval.
        powers.doubt = 2.0 * unsure.iter().sum::<f32>() / (LENGTH * LENGTH) as f32;
        self.learn(&mut error, &unsure);
        self.watch(&powers);
        powers
    }

    fn learn(&mut self, error: &mut [f32; LENGTH], unsure: &[f32; LANES]) {
        let mut spectrum = NOTHING;
        forward(error, &mut self.bins, &mut self.scratch, &mut spectrum);
        let least = LEAST_DEVIATION * PRIOR / self.partitions as f32;
        let Self { sent, newest, path, deviation, other, .. } = self;
        simd::run(Learn { error: spectrum, unsure, least, sent, newest: *newest, path, deviation, other });
        self.tidy_up();
    }

    /// Take out of one partition what lies beyond its taps: products of the circular convolution.
    fn tidy_up(&mut self) {
        let path = &mut self.path[self.tidy];
        inverse(path, &mut self.bins, &mut self.scratch, &mut self.time);
        self.time[TAPS..].fill(0.0);
        forward(&mut self.time, &mut self.bins, &mut self.scratch, path);
        self.tidy = (self.tidy + 1) % self.partitions;
    }

    /// A filter that adds more than it takes away models a path that is no more.
    fn watch(&mut self, powers: &Powers) {
        self.long_received += (powers.received - self.long_received) * 0.1;
        self.long_left += (powers.left - self.long_left) * 0.1;
        if self.does_harm() {
            self.path.fill(NOTHING);
            self.doubt_all();
            self.long_left = self.long_received;
        }
    }

    fn does_harm(&self) -> bool {
        self.long_left > 1.5 * self.long_received + 64.0
    }
}

/// The spectrum of the echo, and how unsure of each bin the filter is, as a power.
struct Estimate<'a> {
    sent: &'a [Spectrum],
    newest: usize,
    path: &'a [Spectrum],
    deviation: &'a [[f32; LANES]],
}

impl Kernel for Estimate<'_> {
    type Output = (Spectrum, [f32; LANES]);

    #[inline(always)]
    fn run(self) -> Self::Output {
        let (mut estimate, mut unsure) = (NOTHING, [0.0; LANES]);
        for (partition, (path, deviation)) in self.path.iter().zip(self.deviation).enumerate() {
            let sent = &self.sent[back(self.newest, 2 * partition, self.sent.len())];
            for k in 0..LANES {
                estimate.re[k] += sent.re[k] * path.re[k] - sent.im[k] * path.im[k];
                estimate.im[k] += sent.re[k] * path.im[k] + sent.im[k] * path.re[k];
                unsure[k] += (sent.re[k] * sent.re[k] + sent.im[k] * sent.im[k]) * deviation[k];
            }
        }
        (estimate, unsure)
    }
}

/// What is learnt from the error of a block.
struct Learn<'a> {
    error: Spectrum,
    unsure: &'a [f32; LANES],
    /// The least deviation.
    least: f32,
    sent: &'a [Spectrum],
    newest: usize,
    path: &'a mut [Spectrum],
    deviation: &'a mut [[f32; LANES]],
    other: &'a mut [f32; LANES],
}

impl Kernel for Learn<'_> {
    type Output = ();

    #[inline(always)]
    fn run(mut self) {
        // What of the error is to be believed, bin by bin.
        let (error, mut weight) = (&mut self.error, [0.0; LANES]);
        for (k, weight) in weight.iter_mut().enumerate() {
            let power = error.re[k] * error.re[k] + error.im[k] * error.im[k];
            self.other[k] = (self.other[k] + FRESH * (power - self.other[k])).max(QUIET);
            *weight = 1.0 / (self.unsure[k] + self.other[k] / SHARE);
            error.re[k] *= *weight;
            error.im[k] *= *weight;
        }
        for (partition, (path, deviation)) in self.path.iter_mut().zip(self.deviation).enumerate() {
            let sent = &self.sent[back(self.newest, 2 * partition, self.sent.len())];
            for k in 0..LANES {
                path.re[k] += deviation[k] * (sent.re[k] * error.re[k] + sent.im[k] * error.im[k]);
                path.im[k] += deviation[k] * (sent.re[k] * error.im[k] - sent.im[k] * error.re[k]);
                let power = sent.re[k] * sent.re[k] + sent.im[k] * sent.im[k];
                let known = SHARE * power * deviation[k] * weight[k];
                let restless = RESTLESS * (path.re[k] * path.re[k] + path.im[k] * path.im[k]);
                deviation[k] = (deviation[k] * (1.0 - known) + restless).max(self.least);
            }
        }
    }
}

/// The place `blocks` before `newest` in a circle of `length`.
#[inline(always)]
fn back(newest: usize, blocks: usize, length: usize) -> usize {
    (newest + length - blocks) % length
}

fn forward(time: &mut [f32; LENGTH], bins: &mut [Complex32; BINS], scratch: &mut [Complex32], out: &mut Spectrum) {
    // The lengths are the plan's own, so it cannot fail.
    let _ = TRANSFORMS.forward.process_with_scratch(time, bins, scratch);
    for (k, bin) in bins.iter().enumerate() {
        out.re[k] = bin.re;
        out.im[k] = bin.im;
    }
}

fn inverse(spectrum: &Spectrum, bins: &mut [Complex32; BINS], scratch: &mut [Complex32], out: &mut [f32; LENGTH]) {
    for (k, bin) in bins.iter_mut().enumerate() {
        *bin = Complex32::new(spectrum.re[k] / LENGTH as f32, spectrum.im[k] / LENGTH as f32);
    }
    // The first and the last are real by nature, and have to be said to be so.
    bins[0].im = 0.0;
    bins[BINS - 1].im = 0.0;
    let _ = TRANSFORMS.inverse.process_with_scratch(bins, out, scratch);
}
