//! What every measurement needs: the servers, the APIs, the cores, and how much of everything.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::api::Api;
use crate::cli::Options;
use crate::cores::Cores;
use crate::peers::{Peer, Places};
use crate::rounds::Counts;
use crate::server::{Plumbing, Server};
use crate::wire::{self, Work};

/// The circumstances of a run.
pub(crate) struct Bench {
    pub(crate) options: Options,
    pub(crate) places: Places,
    /// Those that take part, ours first.
    pub(crate) peers: Vec<Peer>,
    pub(crate) counts: Counts,
    pub(crate) cores: Cores,
    /// The length, in bytes, of the list of tools that all servers give.
    pub(crate) list_bytes: usize,
    on_one_core: Api,
    on_all_cores: Api,
}

impl Bench {
    /// Starts both APIs, finds the servers, and asks ours what all of them are to list.
    pub(crate) fn prepare(options: Options) -> Result<Self> {
        let cores = Cores::of_this_thread()?;
        cores.pin(true)?;
        let on_one_core = Api::start()?;
        cores.pin(false)?;
        let on_all_cores = Api::start()?;
        let program = std::env::current_exe()?;
        let built = program.parent().context("this program is nowhere")?.to_owned();
        let places = Places {
            product: options.product.clone(),
            sources: options.root.join("tests/bench/peers"),
            packages: options.packages.clone(),
            tools: built.join("bench-tools.json"),
            built,
        };
        let peers = who(&options, &places)?;
        let list_bytes = write_tools(&places, &on_all_cores)?;
        let counts = Counts::from(options.calls);
        Ok(Self {
            options,
            places,
            peers,
            counts,
            cores,
            list_bytes,
            on_one_core,
            on_all_cores,
        })
    }

    /// The API of a setting. From here on this thread, and the servers that it starts, use the cores of that setting.
    pub(crate) fn api(&self, pinned: bool) -> Result<&Api> {
        self.cores.pin(pinned)?;
        Ok(if pinned { &self.on_one_core } else { &self.on_all_cores })
    }

    /// How often a server is started in each round.
    pub(crate) fn starts(&self, peer: Peer) -> usize {
        match (self.options.quick, peer.is_native()) {
            (true, false) => 1,
            (true, true) | (false, false) => 3,
            (false, true) => 11,
        }
    }

    /// Those that take part and are machine code.
    pub(crate) fn native(&self) -> impl Iterator<Item = Peer> {
        self.peers.iter().copied().filter(|peer| peer.is_native())
    }
}

/// Who takes part: who is named, or everybody who is there.
fn who(options: &Options, places: &Places) -> Result<Vec<Peer>> {
    let named = |peer: &Peer| options.peers.as_ref().is_none_or(|peers| peers.contains(peer));
    let mut found = Vec::new();
    for peer in Peer::ALL.into_iter().filter(named) {
        if places.have(peer) {
            found.push(peer);
        } else if options.peers.is_some() {
            bail!("{} is not installed", peer.name());
        } else {
            eprintln!("SKIPPED {}: it is not installed", peer.name());
        }
    }
    Ok(found)
}

/// Keeps what ours lists for the others, and tells how long it is.
fn write_tools(places: &Places, api: &Api) -> Result<usize> {
    let command = places.command(Peer::Ours, &api.base_url);
    let mut server = Server::start(command, Plumbing::Pipes)?;
    let mut line = Vec::new();
    let id = server.ids(1);
    Work::ToolsList.request(id, &mut line);
    server.send(&line)?;
    let answer = server.receive()?;
    let (_, result) = wire::answer(&answer)?;
    let tools = wire::tools(result)?.get();
    fs::write(&places.tools, tools).with_context(|| places.tools.display().to_string())?;
    Ok(tools.len())
}
