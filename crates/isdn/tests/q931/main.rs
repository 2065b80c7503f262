//! Call control, situation by situation: two D channels and the line between them on a virtual clock, or one of them and
//! a far end whose every octet the test chooses.

#[path = "../common/mod.rs"]
mod common;

mod an_owner_who_does_not_collect;
mod answered_on_a_channel_in_use;
mod basic_call;
mod bearers;
mod call_references_wrap;
mod called_number_forms;
mod calling_name;
mod calling_number_kept;
mod cause_and_location_kept;
mod channel_named_in_the_first_response;
mod codesets;
mod disconnect_crosses_connect;
mod disconnect_in_every_state;
mod disconnect_with_something_to_hear;
mod elements_out_of_order;
mod enquiry_after_recovery;
mod every_message_in_every_state;
mod glare;
mod hostile_messages;
mod link_lost_in_every_state;
mod link_lost_under_a_call;
mod link_lost_under_a_restart;
mod link_reset_in_every_state;
mod messages_of_other_services;
mod missing_mandatory_element;
mod one_reference_two_calls;
mod overlap_receiving;
mod progress;
mod redirecting_number_kept;
mod release_in_every_state;
mod restart;
mod restart_in_every_state;
mod restarts_cross;
mod setup_acknowledge_to_a_whole_number;
mod setup_for_busy_channel;
mod setup_twice_in_every_state;
mod status_enquiry_in_every_state;
mod status_null_in_every_state;
mod status_that_does_not_fit;
mod t301_expires;
mod t302_expires;
mod t303_expires_twice;
mod t304_expires;
mod t305_expires;
mod t308_expires_twice;
mod t309_begins_anew;
mod t310_expires;
mod t313_expires;
mod t316_answered_late;
mod t322_expires;
mod unknown_call_reference;
mod unknown_optional_elements;
