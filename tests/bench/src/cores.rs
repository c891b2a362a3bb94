//! Which cores a thread may use. Children and threads inherit it from the thread that starts them.

use anyhow::{Context, Result};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The cores that this program may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cores {
    all: CpuSet,
    one: CpuSet,
    /// How many there are.
    pub(crate) count: usize,
}

impl Cores {
    /// What the calling thread may use now.
    pub(crate) fn of_this_thread() -> Result<Self> {
        let all = sched_getaffinity(Pid::from_raw(0)).context("which cores may be used is unknown")?;
        let allowed: Vec<usize> = (0..CpuSet::count())
            .filter(|core| all.is_set(*core).unwrap_or(false))
            .collect();
        // The last one, as the first serves more interrupts.
        let last = allowed.last().context("no core may be used")?;
        let mut one = CpuSet::new();
        one.set(*last)?;
        let count = allowed.len();
        Ok(Self { all, one, count })
    }

    /// From here on, the calling thread and what it starts use one core, or all of them.
    pub(crate) fn pin(&self, pinned: bool) -> Result<()> {
        let set = if pinned { &self.one } else { &self.all };
        sched_setaffinity(Pid::from_raw(0), set).context("this thread cannot be pinned")
    }
}
