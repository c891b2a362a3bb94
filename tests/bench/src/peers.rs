//! The servers that are measured, and how each is started.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use serde::Serialize;

/// The key that every server gets; the API on loopback does not look at it.
const KEY: &str = "llx-not-a-key";

/// A server that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Peer {
    Ours,
    Raw,
    RmcpPipes,
    Rmcp,
    Ts1,
    Ts2,
    Python,
}

impl Peer {
    /// In the order of the tables.
    pub(crate) const ALL: [Self; 7] = [
        Self::Ours,
        Self::Raw,
        Self::RmcpPipes,
        Self::Rmcp,
        Self::Ts1,
        Self::Ts2,
        Self::Python,
    ];

    /// As `--peers` has it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ours => "ours",
            Self::Raw => "raw",
            Self::RmcpPipes => "rmcp-pipes",
            Self::Rmcp => "rmcp",
            Self::Ts1 => "ts1",
            Self::Ts2 => "ts2",
            Self::Python => "python",
        }
    }

    /// As the tables have it.
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Ours => "**this server**",
            Self::Raw => "raw",
            Self::RmcpPipes => "rmcp at its best",
            Self::Rmcp => "rmcp as documented",
            Self::Ts1 => "TypeScript SDK 1.x",
            Self::Ts2 => "TypeScript SDK 2.x",
            Self::Python => "Python SDK 2.x",
        }
    }

    /// Whether it is machine code: it starts at once, and instructions can be counted.
    pub(crate) const fn is_native(self) -> bool {
        !matches!(self, Self::Ts1 | Self::Ts2 | Self::Python)
    }

    pub(crate) fn named(name: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|peer| peer.name() == name);
        let names = || Self::ALL.map(Self::name).join(", ");
        found.with_context(|| format!("{name} is no peer; there are {}", names()))
    }
}

/// Where the servers are.
#[derive(Debug, Clone)]
pub(crate) struct Places {
    /// The built program.
    pub(crate) product: PathBuf,
    /// Where this program is built, and so the peers in Rust.
    pub(crate) built: PathBuf,
    /// `tests/bench/peers`.
    pub(crate) sources: PathBuf,
    /// Where the packages of the other peers are, as far as they are installed.
    pub(crate) packages: PathBuf,
    /// The definitions that all peers list, a JSON array.
    pub(crate) tools: PathBuf,
}

impl Places {
    /// Whether a peer is there.
    pub(crate) fn have(&self, peer: Peer) -> bool {
        self.files(peer).iter().all(|file| file.exists())
    }

    /// The command that starts a peer on this API.
    pub(crate) fn command(&self, peer: Peer, base_url: &str) -> Command {
        let files = self.files(peer);
        let mut files = files.iter();
        let mut command = Command::new(files.next().map_or(Path::new("node"), PathBuf::as_path));
        command.args(files);
        match peer {
            // As most hosts start it: without arguments.
            Peer::Ours => command.env("LLAMA_CLOUD_BASE_URL", base_url),
            Peer::Rmcp => command.args(["documented", base_url]).arg(&self.tools),
            Peer::RmcpPipes => command.args(["fastest", base_url]).arg(&self.tools),
            _ => command.arg(base_url).arg(&self.tools),
        };
        // The TypeScript SDKs warn on stderr of the listeners that they add.
        command.env("LLAMA_CLOUD_API_KEY", KEY).env("NODE_NO_WARNINGS", "1");
        command
    }

    /// The program, and the script that it runs.
    fn files(&self, peer: Peer) -> Vec<PathBuf> {
        let node = self.packages.join("node");
        match peer {
            Peer::Ours => vec![self.product.clone()],
            Peer::Raw => vec![self.built.join("peer-raw")],
            Peer::Rmcp | Peer::RmcpPipes => vec![self.built.join("peer-rmcp")],
            Peer::Ts1 => vec![node, self.packages.join("typescript/v1.mjs")],
            Peer::Ts2 => vec![node, self.packages.join("typescript/v2.mjs")],
            Peer::Python => vec![
                self.packages.join("python/bin/python"),
                self.sources.join("python/server.py"),
            ],
        }
    }
}
