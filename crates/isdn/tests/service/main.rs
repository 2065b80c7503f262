//! SERVICE messages, situation by situation: which channels may be used, as each end tells and believes it.

#[path = "../common/mod.rs"]
mod common;
#[path = "../service_support/mod.rs"]
mod service_support;

mod acknowledged_with_the_flag_of_a_request;
mod echo_storm;
mod every_form;
mod glare;
mod link_lost;
mod off;
mod order_on_link_up;
mod out_of_service_while_it_rings;
mod restart;
mod told_and_acknowledged;
mod unanswered;
mod usability;
