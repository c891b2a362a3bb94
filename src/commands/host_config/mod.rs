//! `host-config HOST`: the registration of this very program with a host, printed or written into the host's file.
//!
//! | file | holds |
//! |---|---|
//! | `registration` | how a host starts this program, with the flags that were given |
//! | `location` | where the host's file is on this machine |
//! | `write` | the host's file, replaced by one that has the registration |
//! | `guidance` | what else the user has to do |

mod guidance;
mod location;
mod registration;
mod write;

use super::terminal::print;
use super::{Exit, Terminal};
use crate::cli::{Environment, HostConfig};
use crate::config::Config;
use crate::hosts::{self, Host, System};

/// Prints the configuration on stdout and what to do with it on stderr, or writes it and says where.
///
/// # Errors
/// If this program's path or the host's file cannot be used, or if stdout cannot be written.
pub(crate) fn run(wanted: &HostConfig, config: &Config, environment: &Environment) -> anyhow::Result<Exit> {
    let Some(host) = wanted.host.as_deref().and_then(Host::named).filter(|_| !wanted.list) else {
        let names: Vec<_> = hosts::ALL.iter().map(|host| host.name).collect();
        print(&format!("{}\n", names.join("\n")))?;
        return Ok(Exit::Done);
    };
    let this = registration::of_this_program()?;
    let guidance = guidance::Guidance {
        host,
        this: &this,
        config,
        system: System::current(),
    };
    let terminal = Terminal::of(environment);
    if !wanted.write {
        print(&host.configuration(&this.registration))?;
        guidance.for_reading(&terminal.err);
        return Ok(Exit::Done);
    }
    if !host.can_be_merged() {
        print(&host.configuration(&this.registration))?;
        terminal
            .err
            .say("Nothing was written, because --write does not edit YAML. Add the text above to the file yourself.");
        guidance.for_reading(&terminal.err);
        return Ok(Exit::Failed);
    }
    let path = match &wanted.file {
        Some(file) => std::path::absolute(file)?,
        None => location::of(host, System::current())?,
    };
    let written = write::registered(host, &this.registration, &path)?;
    guidance.for_written(&terminal.out, &path, &written);
    match terminal.out.failure() {
        Some(failure) => anyhow::bail!(failure),
        None => Ok(Exit::Done),
    }
}
