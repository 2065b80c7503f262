//! What the gateway adds to the way of a sample from one caller's card to the other's: exactly, since the
//! software card counts samples.
//!
//! An impulse is sent on one timeslot by the far end; it comes out of the other timeslot after the time
//! the two directions of the span take, and not a sample later. The span's own delay is set to the least
//! it can have, one tick each way: filling a chunk on the way in, and emptying one on the way out. So a
//! sample is two ticks on its way through the gateway: 10, 20 or 40 ms.

use board_loopback::LoopbackCard;
use hal::{Card, ChunkLength, Line, Readiness, SpanIndex, Timeslot, Traffic};
use std::sync::Arc;
use trunkcast::gateway::{Channel, ConferenceIndex, Voice};
use trunkcast::prompts::Sounds;
use trunkcast::voice::{self, VoicePath};

const SPAN: SpanIndex = SpanIndex(0);
const SPEAKER: Channel = Channel { span: 0, timeslot: Timeslot(1) };
const LISTENER: Channel = Channel { span: 0, timeslot: Timeslot(2) };

fn begin(card: &mut dyn Traffic) {
    assert_eq!(card.begin().expect("present"), Readiness::Ready);
}

/// Samples from the far end's sending on one channel to its receiving on the other.
fn card_to_card(tick: ChunkLength) -> usize {
    let line = Line::T1;
    let mut builder = LoopbackCard::builder("near");
    builder.delay_ms(tick.milliseconds());
    let far_end = builder.span_to_exchange(line);
    let mut near = Box::new(builder.build()).start(tick).expect("started").traffic;
    let mut far = Box::new(far_end.attach("far").expect("free")).start(tick).expect("started").traffic;
    let sounds = Arc::new(Sounds::english());
    let (outlet, _ring) = rtrb::RingBuffer::new(8000);
    let mut voice = VoicePath::new(&[line], tick, voice::Settings::default(), sounds, vec![outlet]);
    for channel in [SPEAKER, LISTENER] {
        voice.command(Voice::Open(channel));
        voice.command(Voice::Join(channel, ConferenceIndex(0)));
    }
    let loud = dsp::g711::Law::Mu.encode_one(20_000);
    let silent = dsp::g711::Law::Mu.idle_octet();
    let mut sent_at = None;
    let mut samples = 0;
    for turn in 0..200 {
        begin(&mut *far);
        if let Some(place) = far.received(SPAN, LISTENER.timeslot).iter().position(|&o| o == loud) {
            return samples + place - sent_at.expect("it was sent before");
        }
        // In the middle of a chunk, so that the place within it is seen to be kept.
        let chunk = far.to_send(SPAN, SPEAKER.timeslot);
        chunk.fill(silent);
        if turn == 50 {
            chunk[17] = loud;
            sent_at = Some(samples + 17);
        }
        far.end().expect("present");
        samples += tick.samples();

        begin(&mut *near);
        for channel in [SPEAKER, LISTENER] {
            voice.receive(channel, near.received(SPAN, channel.timeslot));
        }
        voice.mix();
        for channel in [SPEAKER, LISTENER] {
            voice.transmit(channel, near.to_send(SPAN, channel.timeslot));
        }
        near.end().expect("present");
    }
    panic!("the impulse never came out");
}

#[test]
fn a_card_without_a_chunk_is_silent_and_does_not_repeat_itself() {
    let sounds = Arc::new(Sounds::english());
    let (outlet, _ring) = rtrb::RingBuffer::new(8000);
    let mut voice = VoicePath::new(&[Line::T1], ChunkLength::Ms5, voice::Settings::default(), sounds, vec![outlet]);
    for channel in [SPEAKER, LISTENER] {
        voice.command(Voice::Open(channel));
        voice.command(Voice::Join(channel, ConferenceIndex(0)));
    }
    let law = dsp::g711::Law::Mu;
    let mut hear = |says: Option<u8>| {
        match says {
            Some(octet) => voice.receive(SPEAKER, &[octet; 40]),
            None => voice.receive_nothing(SPEAKER),
        }
        voice.receive(LISTENER, &[law.idle_octet(); 40]);
        voice.mix();
        let mut heard = [0; 40];
        voice.transmit(LISTENER, &mut heard);
        heard.map(|octet| law.decode_one(octet))
    };
    assert!(hear(Some(law.encode_one(9_000))).iter().all(|&sample| sample > 8_000));
    assert_eq!(hear(None), [0; 40]);
}

#[test]
fn a_sample_is_two_ticks_on_its_way_and_the_gateway_adds_none() {
    for tick in [ChunkLength::Ms5, ChunkLength::Ms10, ChunkLength::Ms20] {
        let samples = card_to_card(tick);
        println!("tick {} ms: card to card {} ms", tick.milliseconds(), samples as f32 / 8.0);
        assert_eq!(samples, 2 * tick.samples());
    }
}
