//! The data link, situation by situation: two ends and the line between them on a virtual clock, or one end and frames
//! that no honest far end would send.

#[path = "../common/mod.rs"]
mod common;
mod support;

mod busy_far_end;
mod coming_up_and_down;
mod faulty_line;
mod lost_frames;
mod odd_frames;
mod polls_and_timers;
