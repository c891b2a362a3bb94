//! `completions` and `man`: what the definition of the command line says, in the languages of shells and of `man`.

use std::io;

use clap_complete::{Shell, generate};

use super::Exit;
use crate::cli;

/// Prints the completions for a shell.
pub(crate) fn print_completions(shell: Shell) -> Exit {
    let mut text = Vec::new();
    generate(shell, &mut cli::definition(), env!("CARGO_PKG_NAME"), &mut text);
    print(&Ok(text))
}

/// Prints the manual page: the program, then each command.
pub(crate) fn print_manual() -> Exit {
    print(&manual())
}

fn manual() -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    clap_mangen::Man::new(cli::definition()).render(&mut text)?;
    Ok(text)
}

fn print(text: &io::Result<Vec<u8>>) -> Exit {
    match text {
        Ok(text) => {
            super::screen::print(&String::from_utf8_lossy(text));
            Exit::Done
        }
        // Writing to memory does not fail.
        Err(_) => Exit::Failed,
    }
}
