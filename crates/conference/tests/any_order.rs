//! Whatever happens in whatever order: nobody is in two places, nobody is muted for good, and nothing is left over.

mod common;

use common::{Hall, ROOMS, SEATS, seconds};
use conference::{
    Answer, DialOut, EntryExit, Happening, HostLeaves, Mode, MutedBy, Order, Place, Policy, QuestionUnmute, Role, Room,
    Seat,
};
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Deed {
    Enter(usize, usize, Role),
    Leave(usize),
    Keys(usize, &'static str),
    Played(usize),
    Named(usize, bool),
    Order(usize, Order<Seat>),
    OnAir(usize),
    Pass(u64),
}

fn role() -> impl Strategy<Value = Role> {
    prop_oneof![2 => Just(Role::Host), 5 => Just(Role::Speaker), 1 => Just(Role::Listener)]
}

fn mode() -> impl Strategy<Value = Mode> {
    prop_oneof![Just(Mode::Conversation), Just(Mode::Question), Just(Mode::Lecture)]
}

fn order() -> impl Strategy<Value = Order<Seat>> {
    let seat = || (0..SEATS).prop_map(Seat);
    prop_oneof![
        seat().prop_map(Order::Mute),
        seat().prop_map(Order::Unmute),
        any::<bool>().prop_map(|lock| Order::MuteAll { lock }),
        Just(Order::UnmuteAll),
        any::<bool>().prop_map(Order::Lock),
        mode().prop_map(Order::Mode),
        seat().prop_map(Order::Kick),
        Just(Order::KickLast),
        seat().prop_map(Order::Admit),
        Just(Order::AdmitNext),
        Just(Order::AdmitAll),
        seat().prop_map(Order::CallOn),
        Just(Order::CallOnNext),
        seat().prop_map(Order::LowerHand),
        Just(Order::LowerHands),
        Just(Order::Count),
        Just(Order::End),
    ]
}

fn keys() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "*6", "*2", "*4", "*5", "*7", "*8", "*9", "*1", "*0", "#1", "#2", "#3", "#6", "#7", "#8", "##", "1", "5", "#",
        "*",
    ])
}

fn deed() -> impl Strategy<Value = Deed> {
    let seat = || 0..SEATS;
    prop_oneof![
        6 => (seat(), 0..ROOMS, role()).prop_map(|(seat, room, role)| Deed::Enter(seat, room, role)),
        2 => seat().prop_map(Deed::Leave),
        8 => (seat(), keys()).prop_map(|(seat, keys)| Deed::Keys(seat, keys)),
        3 => seat().prop_map(Deed::Played),
        2 => (seat(), any::<bool>()).prop_map(|(seat, heard)| Deed::Named(seat, heard)),
        6 => (0..ROOMS, order()).prop_map(|(room, order)| Deed::Order(room, order)),
        1 => (0..ROOMS).prop_map(Deed::OnAir),
        3 => (0..200u64).prop_map(Deed::Pass),
    ]
}

fn policy() -> impl Strategy<Value = Policy> {
    let host_leaves = prop_oneof![Just(HostLeaves::End), Just(HostLeaves::GoOn), Just(HostLeaves::Grace(seconds(60)))];
    let question = prop_oneof![Just(QuestionUnmute::CalledOn), Just(QuestionUnmute::Anybody)];
    let entry_exit = prop_oneof![Just(EntryExit::Tone), Just(EntryExit::Name), Just(EntryExit::Nothing)];
    let flags = prop::array::uniform6(any::<bool>());
    (mode(), host_leaves, question, entry_exit, flags, 0..6u16, 0..4u16, prop::option::of(30..900u64)).prop_map(
        |(mode, host_leaves, question_unmute, entry_exit, flags, max_members, min_members, lasts)| Policy {
            mode,
            wait_for_host: flags[0],
            waiting_room: flags[1],
            host_leaves,
            entry_exit,
            quiet_above: 4,
            names: flags[2],
            recorded: flags[3],
            announce_recording: flags[4],
            question_unmute,
            listeners_ask: flags[5],
            max_members,
            min_members,
            min_grace: seconds(30),
            max_duration: lasts.map(seconds),
            warning: seconds(60),
        },
    )
}

fn act(hall: &mut Hall, deed: Deed) {
    match deed {
        Deed::Enter(seat, room, role) => {
            if hall.conferences.member(Seat(seat)).is_none() {
                let may = hall.conferences.may_enter(Room(room), role);
                let entered = hall.conferences.enter(hall.now, Room(room), Seat(seat), role);
                assert_eq!(may, entered);
            }
        }
        Deed::Leave(seat) => {
            if hall.conferences.member(Seat(seat)).is_some() {
                hall.gone(Seat(seat));
            }
        }
        Deed::Keys(seat, keys) => {
            if hall.conferences.member(Seat(seat)).is_some() {
                hall.keys(Seat(seat), keys);
            }
        }
        Deed::Played(seat) => hall.conferences.said(hall.now, Seat(seat)),
        Deed::Named(seat, heard) => {
            if hall.recording.remove(&Seat(seat)) {
                hall.conferences.named(hall.now, Seat(seat), heard);
            }
        }
        Deed::Order(room, order) => drop(hall.conferences.order(hall.now, Room(room), &order)),
        Deed::OnAir(room) => hall.conferences.on_air(Room(room)),
        Deed::Pass(s) => hall.pass(seconds(s)),
    }
    hall.drain();
}

/// What must hold after every deed; `told` is what whoever watches knows of mutes.
fn check(hall: &mut Hall, told: &mut BTreeMap<Seat, Option<MutedBy>>) {
    for what in std::mem::take(&mut hall.happened) {
        if let Happening::Muted { who, muted, .. } = what {
            told.insert(who, muted);
        }
    }
    told.retain(|seat, _| hall.conferences.member(*seat).is_some());
    let (mut present, mut waiting, mut hands) = ([0; ROOMS], [0; ROOMS], [0; ROOMS]);
    for seat in (0..SEATS).map(Seat) {
        let Some(look) = hall.conferences.member(seat) else {
            assert!(!hall.mix.contains_key(&seat) && !hall.held.contains(&seat), "nothing of who has left");
            continue;
        };
        let is_present = look.place == Place::Present;
        assert_eq!(hall.mix.contains_key(&seat), is_present, "in the mix, and nowhere else");
        assert_eq!(hall.held.contains(&seat), matches!(look.place, Place::Waiting(_)), "music for those who wait");
        assert!(look.hand.is_none() || is_present, "only who is there raises his hand");
        if is_present {
            hall.is_heard(seat);
            assert_eq!(told.get(&seat).copied().flatten(), look.muted, "whoever watches knows it");
        }
        present[look.room.0] += u16::from(is_present);
        waiting[look.room.0] += u16::from(!is_present);
        hands[look.room.0] += u16::from(look.hand.is_some());
    }
    for room in 0..ROOMS {
        let state = hall.conferences.state(Room(room)).expect("open");
        assert_eq!(hall.ends.get(&Room(room)).copied().flatten(), state.ends_at, "whoever watches knows it");
        let count = state.count;
        assert_eq!((count.present, count.waiting, count.hands), (present[room], waiting[room], hands[room]));
        assert_eq!(hall.conferences.members_of(Room(room)).count(), usize::from(present[room] + waiting[room]));
    }
}

/// Everybody who is there and no listener is heard after his own key, or after he was called on and his own key.
fn nobody_is_muted_for_good(hall: &mut Hall) {
    for seat in (0..SEATS).map(Seat) {
        let Some(look) = hall.conferences.member(seat) else { continue };
        if look.place != Place::Present || look.role == Role::Listener || hall.is_heard(seat) {
            continue;
        }
        hall.pass(seconds(15));
        if hall.conferences.member(seat).is_none() {
            continue;
        }
        hall.heard(seat);
        hall.keys(seat, "*6");
        assert!(!hall.heard(seat).is_empty(), "the key is always answered");
        if !hall.is_heard(seat) && hall.conferences.member(seat).is_some() {
            assert_ne!(look.role, Role::Host, "nothing silences a host");
            assert_eq!(hall.conferences.order(hall.now, look.room, &Order::CallOn(seat)), Ok(Answer::Done(1)));
            hall.drain();
            if !hall.is_heard(seat) {
                hall.keys(seat, "*6");
            }
            assert!(hall.is_heard(seat), "{:?}", hall.conferences.member(seat));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn in_any_order(rules in prop::array::uniform3(policy()), deeds in prop::collection::vec(deed(), 1..120)) {
        let mut hall = Hall::with_dial_out(rules[0], DialOut::default());
        for (room, policy) in rules.iter().enumerate() {
            hall.conferences.open(Room(room), *policy);
        }
        hall.drain();
        let mut told = BTreeMap::new();
        for deed in deeds {
            act(&mut hall, deed);
            check(&mut hall, &mut told);
        }
        nobody_is_muted_for_good(&mut hall);
        for seat in (0..SEATS).map(Seat) {
            if hall.conferences.member(seat).is_some() {
                hall.gone(seat);
                hall.drain();
            }
        }
        check(&mut hall, &mut told);
        for (room, policy) in rules.iter().enumerate() {
            let state = hall.conferences.state(Room(room)).expect("open");
            prop_assert_eq!(state.mode, policy.mode);
            prop_assert!(!state.locked && !state.all_muted && !state.mutes_locked && state.ends_at.is_none());
        }
        prop_assert_eq!(hall.conferences.poll_timeout(), None);
    }
}
