//! The octets of the control socket, as its protocol describes them on a machine of little-endian order: a header of magic 0x01e1,
//! length, type, interface, line and timeslot, then the payload.
#![cfg(target_endian = "little")]

use board_e1d::wire::{LineAddress, Message, Mode, open, read};
use hal::Alarms;

const AT: LineAddress = LineAddress { interface: 1, line: 2 };

#[test]
fn a_timeslot_is_asked_for() {
    // Raw, 80 octets at a time, and not by force.
    assert_eq!(open(AT, 5, Mode::Raw, 80), [0xe1, 0x01, 0x0c, 0x00, 0x04, 0x01, 0x02, 0x05, 0x10, 0x00, 0x50, 0x00]);
    let hdlc = open(AT, 16, Mode::HdlcFcs, 264);
    assert_eq!(hdlc, [0xe1, 0x01, 0x0c, 0x00, 0x04, 0x01, 0x02, 0x10, 0x11, 0x00, 0x08, 0x01]);
}

#[test]
fn answers_and_refusals_are_told_apart() {
    // The answer has what is known of the timeslot behind it: six octets.
    let opened = [0xe1, 0x01, 0x0e, 0x00, 0x84, 0x01, 0x02, 0x05, 0x05, 0x10, 0x00, 0x50, 0x00, 0x01];
    assert_eq!(read(&opened), Some(Message::Opened));
    assert_eq!(read(&[0xe1, 0x01, 0x08, 0x00, 0xc4, 0x01, 0x02, 0x05]), Some(Message::Refused));
    assert_eq!(read(&[0xe1, 0x01, 0x08, 0x00, 0x80, 0xff, 0xff, 0xff]), Some(Message::Other), "of another request");
}

#[test]
fn events_come_in_pairs() {
    let pairs = [(0x40, Alarms::LOS), (0x42, Alarms::AIS), (0x44, Alarms::RAI), (0x46, Alarms::LOF)];
    for (event, alarm) in pairs {
        let packet = |event| [0xe1, 0x01, 0x08, 0x00, event, 0x01, 0x02, 0xff];
        assert_eq!(read(&packet(event)), Some(Message::Alarm(AT, alarm, true)));
        assert_eq!(read(&packet(event + 1)), Some(Message::Alarm(AT, alarm, false)));
    }
    assert_eq!(read(&[0xe1, 0x01, 0x08, 0x00, 0x48, 0x01, 0x02, 0xff]), Some(Message::Other), "one we do not know");
}

#[test]
fn what_is_not_of_the_protocol_is_refused() {
    assert_eq!(read(&[0xe1, 0x01, 0x08, 0x00, 0x84, 0, 0]), None, "too short");
    assert_eq!(read(&[0xe1, 0x02, 0x08, 0x00, 0x84, 0, 0, 1]), None, "another magic");
    assert_eq!(read(&[0xe1, 0x01, 0x09, 0x00, 0x84, 0, 0, 1]), None, "another length");
}
