//! Call control, situation by situation: two D channels and the line between them on a virtual clock, or one of them and
//! a far end whose every octet the test chooses.

#[path = "../common/mod.rs"]
mod common;

mod an_owner_who_does_not_collect;
mod basic_call;
mod disconnect_with_something_to_hear;
mod glare;
mod hostile_messages;
mod link_lost_under_a_call;
mod messages_of_other_services;
mod missing_mandatory_element;
mod other_timers;
mod overlap_receiving;
mod progress;
mod restart;
mod setup_for_busy_channel;
mod t303_expires_twice;
mod t308_expires_twice;
mod unknown_call_reference;
