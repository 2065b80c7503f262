//! The data link, situation by situation: two ends and the line between them on a virtual clock, or one end and frames
//! that no honest far end would send.

#[path = "../common/mod.rs"]
mod common;
mod support;

mod both_ends_are_users;
mod busy_far_end;
mod coming_up_and_down;
mod disc_in_every_state;
mod dm_in_every_state;
mod faulty_line;
mod frmr_in_every_state;
mod longest_frame;
mod lost_frames;
mod n200_and_t200_as_configured;
mod numbers_begin_anew;
mod odd_frames;
mod other_addresses;
mod polls_and_timers;
mod rej_is_lost;
mod rej_received;
mod sabme_in_every_state;
mod sequence_numbers_wrap;
mod window_full;
mod withdrawn;
