//! Drives one server: one call after the other, or many at a time. Every answer is checked.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use crate::api::Api;
use crate::series::quantile;
use crate::server::{Server, shown};
use crate::watchdog::Watchdog;
use crate::wire::Work;

/// The most bytes in flight: they must fit in a pipe, because we write without reading.
const MOST_BYTES: usize = 60 * 1024;

/// Calls that were made one after the other.
///
/// Units: µs.
pub(crate) struct Sequential {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    /// The server's processor time for each.
    pub(crate) processor: f64,
}

/// Calls of which many were in flight.
pub(crate) struct InFlight {
    pub(crate) per_second: f64,
    /// The server's processor time for each.
    ///
    /// Units: µs.
    pub(crate) processor: f64,
}

/// A server, and the API that it reads.
pub(crate) struct Driver<'a> {
    pub(crate) server: Server,
    pub(crate) api: &'a Api,
    /// For messages.
    pub(crate) name: &'a str,
}

impl Driver<'_> {
    /// Makes calls one after the other.
    pub(crate) fn sequential(&mut self, work: &Work, calls: usize) -> Result<Sequential> {
        let mut times = Vec::with_capacity(calls);
        let processor = self.phase(work, calls, |server, first| {
            let mut line = Vec::new();
            for id in first..first + calls as u64 {
                line.clear();
                work.request(id, &mut line);
                let sent = Instant::now();
                server.send(&line)?;
                let answer = server.read_line()?;
                times.push(microseconds(sent.elapsed()));
                let answered = work.check(answer).with_context(|| shown(answer))?;
                ensure!(answered == id, "{answered} was answered in place of {id}");
            }
            Ok(())
        })?;
        let (p50, p99) = (quantile(&mut times, 0.5), quantile(&mut times, 0.99));
        Ok(Sequential {
            p50: p50.context("no calls")?,
            p99: p99.context("no calls")?,
            processor,
        })
    }

    /// Makes calls so that as many as `at_a_time` are in flight.
    pub(crate) fn in_flight(&mut self, work: &Work, calls: usize, at_a_time: usize) -> Result<InFlight> {
        let started = Instant::now();
        let processor = self.phase(work, calls, |server, first| pump(server, work, first, calls, at_a_time))?;
        Ok(InFlight {
            per_second: calls as f64 / started.elapsed().as_secs_f64(),
            processor,
        })
    }

    /// Runs one phase, watches over it, and tells the processor time for each call.
    ///
    /// Units: µs.
    fn phase(&mut self, work: &Work, calls: usize, run: impl FnOnce(&mut Server, u64) -> Result<()>) -> Result<f64> {
        let what = || format!("{}, {}, {calls} calls", self.name, work.name());
        let _watchdog = Watchdog::over(what());
        let (before, requests) = (self.server.processor_time()?, self.api.requests());
        let first = self.server.ids(calls);
        run(&mut self.server, first).with_context(what)?;
        let used = self.server.processor_time()?.saturating_sub(before);
        if let Some(each) = work.api_requests() {
            let (made, due) = (self.api.requests() - requests, each * calls as u64);
            // The first calls about a running batch, as many as are in flight, also read how many files it covers.
            ensure!(
                (due..=2 * due).contains(&made),
                "{}: {made} requests to the API, not {due}",
                what()
            );
        }
        Ok(microseconds(used) / calls as f64)
    }
}

/// Keeps calls in flight: sends as many as there is room for, then reads what there is.
fn pump(server: &mut Server, work: &Work, first: u64, calls: usize, at_a_time: usize) -> Result<()> {
    let mut answered = vec![false; calls];
    let (mut sent, mut done) = (0, 0);
    let mut lines = Vec::new();
    while done < calls {
        lines.clear();
        while sent < calls && sent - done < at_a_time {
            work.request(first + sent as u64, &mut lines);
            sent += 1;
        }
        ensure!(lines.len() < MOST_BYTES, "{at_a_time} requests do not fit in a pipe");
        server.send(&lines)?;
        loop {
            let line = server.read_line()?;
            let id = work.check(line).with_context(|| shown(line))?;
            let index = id.checked_sub(first).and_then(|index| usize::try_from(index).ok());
            match index.and_then(|index| answered.get_mut(index)) {
                Some(answered) if !*answered => *answered = true,
                _ => bail!("{id} was answered, but was not asked or not again"),
            }
            done += 1;
            if !server.has_line() {
                break;
            }
        }
    }
    Ok(())
}

pub(crate) fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
