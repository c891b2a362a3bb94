//! What was measured on: the figures mean nothing without it.

use std::fs;
use std::process::Command;

use serde::Serialize;

use crate::bench::Bench;
use crate::peers::Peer;

/// Shape: `{ "processor": "…", "cores": 2, "system": "Linux 6.1", … }`.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    pub(crate) processor: String,
    pub(crate) cores: usize,
    pub(crate) system: String,
    /// Versions of what runs the servers that are not machine code.
    pub(crate) runtimes: Vec<String>,
}

impl Machine {
    pub(crate) fn of(bench: &Bench) -> Self {
        let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = information.lines().find_map(|line| line.strip_prefix("model name"));
        let model = model.and_then(|rest| rest.split_once(':')).map(|(_, name)| name.trim());
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        let packages = &bench.places.packages;
        let runtimes = [
            (Peer::Ts1, "Node", packages.join("node")),
            (Peer::Python, "", packages.join("python/bin/python")),
        ];
        let runtimes = runtimes
            .into_iter()
            .filter(|(peer, _, _)| bench.peers.contains(peer))
            .filter_map(|(_, name, program)| {
                let output = Command::new(program).arg("--version").output().ok()?;
                let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                Some(format!("{name} {version}").trim().to_owned())
            });
        Self {
            processor: model.unwrap_or("unknown").to_owned(),
            cores: bench.cores.count,
            system: format!("Linux {}", release.trim()),
            runtimes: runtimes.collect(),
        }
    }

    /// One sentence.
    pub(crate) fn sentence(&self) -> String {
        let Self {
            processor,
            cores,
            system,
            runtimes,
        } = self;
        let words = [
            format!("{cores} cores of {processor}"),
            system.clone(),
            runtimes.join(", "),
        ];
        let words: Vec<String> = words.into_iter().filter(|words| !words.is_empty()).collect();
        format!("{}.", words.join("; "))
    }
}
