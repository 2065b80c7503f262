//! D channels shared between interfaces, with a backup: one file a situation.

#[path = "../common/mod.rs"]
mod common;

mod backup_takes_over;
mod both_lost;
mod both_taken_down;
mod call_on_another_interface;
mod more_calls_than_the_link_holds;
mod restart_of_an_interface;
mod service_and_restart_name_the_interface;
mod standby_is_deaf;
mod support;
mod timer_survives_the_swap;
