//! `trunkctl man`: the manual pages, made from the command line itself, so that the two agree.
//!
//! Source: man-pages(7) for the sections.

use crate::args::Cli;
use crate::failure::Failure;
use crate::output::Output;
use clap::CommandFactory;
use clap_mangen::Man;
use std::path::Path;

/// Write a page for each command to a directory, or that of trunkctl to the standard output.
pub fn write(directory: Option<&Path>, output: Output) -> Result<(), Failure> {
    let Some(directory) = directory else {
        let mut page = Vec::new();
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        Man::new(command).render(&mut page)?;
        return output.text(&String::from_utf8_lossy(&page));
    };
    std::fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory))
        .map_err(|e| Failure::Usage(format!("manual pages cannot be written to {}: {e}", directory.display())))
}
