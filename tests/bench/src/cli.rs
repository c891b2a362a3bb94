//! What the program is told: by a person through `tests/bench/run`, and by that script itself.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use crate::peers::Peer;

/// What to measure, and what to do with it.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Few calls and rounds: whether it works, not how fast it is.
    pub(crate) quick: bool,
    pub(crate) rounds: usize,
    /// How many calls are made one after the other, for each kind of work; the numbers of other calls follow from it.
    pub(crate) calls: usize,
    /// `None`: all that are there.
    pub(crate) peers: Option<Vec<Peer>>,
    pub(crate) json: Option<PathBuf>,
    pub(crate) write_docs: bool,
    /// Count instructions of these, in place of measuring time.
    pub(crate) instructions: Option<Vec<Peer>>,
    pub(crate) product: PathBuf,
    pub(crate) packages: PathBuf,
    pub(crate) root: PathBuf,
}

impl Options {
    /// Reads the command line, without the program's name.
    pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut arguments = arguments.peekable();
        let (mut quick, mut write_docs) = (false, false);
        let (mut rounds, mut calls, mut peers, mut json, mut instructions) = (None, None, None, None, None);
        let (mut product, mut packages, mut root) = (None, None, None);
        while let Some(flag) = arguments.next() {
            let given = arguments.next_if(|next| !next.starts_with("--"));
            let value = || given.clone().with_context(|| format!("{flag} needs a value"));
            match flag.as_str() {
                "--quick" => quick = true,
                "--write-docs" => write_docs = true,
                "--rounds" => rounds = Some(number(&value()?)?),
                "--calls" => calls = Some(number(&value()?)?),
                "--peers" => peers = Some(names(&value()?)?),
                "--json" => json = Some(PathBuf::from(value()?)),
                "--instructions" => instructions = Some(given.as_deref().map(names).transpose()?),
                "--product" => product = Some(PathBuf::from(value()?)),
                "--packages" => packages = Some(PathBuf::from(value()?)),
                "--root" => root = Some(PathBuf::from(value()?)),
                _ => bail!("unknown: {flag}"),
            }
        }
        ensure!(!(quick && write_docs), "a quick run is not for the document");
        let native = || Peer::ALL.into_iter().filter(|peer| peer.is_native()).collect();
        Ok(Self {
            quick,
            rounds: rounds.unwrap_or(if quick { 1 } else { 5 }),
            calls: calls.unwrap_or(if quick { 200 } else { 2000 }),
            instructions: instructions.map(|named| named.or_else(|| peers.clone()).unwrap_or_else(native)),
            peers,
            json,
            write_docs,
            product: product.context("--product is missing: start it with tests/bench/run")?,
            packages: packages.context("--packages is missing: start it with tests/bench/run")?,
            root: root.context("--root is missing: start it with tests/bench/run")?,
        })
    }
}

/// A number that is not zero.
fn number(text: &str) -> Result<usize> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => bail!("{text} is not a number above 0"),
    }
}

/// Peers, separated by commas.
fn names(text: &str) -> Result<Vec<Peer>> {
    text.split(',').map(Peer::named).collect()
}
