//! What a demo shows: a banner, one live line, a summary.

use super::center::{self, CenterEnded};
use super::switch::Glance;
use super::world::{Ended, World};
use crate::run::Stopped;
use crate::sim::say;
use crate::sim::street::LONGEST_US;
use hdrhistogram::Histogram;
use std::collections::VecDeque;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

/// Seconds the figures of the live line look back.
const LOOKS_BACK: usize = 10;
/// Without a terminal to rewrite it, one line in so many seconds.
const LINE_EVERY: u32 = 10;
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The live line and what it remembers.
pub(super) struct Screen {
    is_terminal: bool,
    shown: u32,
    asked_before: u64,
    rates: VecDeque<f64>,
    recent_us: VecDeque<Histogram<u64>>,
}

impl Screen {
    pub(super) fn new(is_terminal: bool) -> Self {
        let (rates, recent_us) = (VecDeque::new(), VecDeque::new());
        Self { is_terminal, shown: 0, asked_before: 0, rates, recent_us }
    }

    pub(super) fn banner(&self, world: &World, page: SocketAddr) {
        let plan = world.plan();
        let version = env!("CARGO_PKG_VERSION");
        say(format_args!(
            "sekisho {version} demo   seed {}   data {}   (nothing here is real: test cards, test keys)\n",
            plan.seed,
            plan.data.display()
        ));
        say(format_args!("  status     http://{page}   also /v1/status /metrics /healthz /readyz"));
        say(format_args!(
            "  terminals  {}   iso87-ascii   {} of them, {} tps",
            world.iso(),
            plan.atms,
            plan.tps
        ));
        for (name, dialect, address) in world.hosts() {
            say(format_args!("  host       {address}   {dialect:<12}   {name}"));
        }
        say("\n  Ctrl-C ends it in order, twice at once\n");
    }

    /// Shows what happened since the last time, `passed` ago.
    pub(super) fn show(&mut self, world: &World, passed: Duration) {
        self.look(world, passed);
        self.shown += 1;
        let Some(glance) = world.glance().filter(|glance| !glance.is_stopped) else { return };
        let line = self.line(world, &glance);
        if self.is_terminal {
            let mut out = std::io::stdout().lock();
            // A line that cannot be shown is no reason to stop.
            let _ = write!(out, "\r  {line}\x1b[K").and_then(|()| out.flush());
        } else if self.shown.is_multiple_of(LINE_EVERY) {
            say(format_args!("  {line}"));
        }
    }

    /// Leaves the live line as it stands.
    pub(super) fn leave_line(&self) {
        if self.is_terminal {
            say("");
        }
    }

    fn look(&mut self, world: &World, passed: Duration) {
        let (asked, took_us) = world.seen().with(|sight| (sight.asked, sight.take_recent()));
        remember(&mut self.rates, (asked - self.asked_before) as f64 / passed.as_secs_f64());
        remember(&mut self.recent_us, took_us);
        self.asked_before = asked;
    }

    fn line(&self, world: &World, glance: &Glance) -> String {
        let mut took_us = Histogram::<u64>::new_with_bounds(1, LONGEST_US, 2).expect("bounds in order");
        self.recent_us.iter().for_each(|recent| took_us += recent);
        let tps = self.rates.iter().sum::<f64>() / self.rates.len().max(1) as f64;
        let (asked, approved) = world.seen().with(|sight| (sight.asked, sight.approved()));
        format!(
            "{tps:.1} tps {}   p50 {}   p99 {}   approved {:.1}%   unknown {}   in flight {}   owed {}   day {}",
            sparkline(&self.rates),
            milliseconds(took_us.value_at_quantile(0.5)),
            milliseconds(took_us.value_at_quantile(0.99)),
            100.0 * approved as f64 / asked.max(1) as f64,
            glance.unknown,
            glance.in_flight,
            glance.pending,
            glance.business_date
        )
    }
}

fn remember<T>(last: &mut VecDeque<T>, newest: T) {
    if last.len() == LOOKS_BACK {
        last.pop_front();
    }
    last.push_back(newest);
}

/// Bars as high as their share of the highest.
fn sparkline(rates: &VecDeque<f64>) -> String {
    let highest = rates.iter().copied().fold(1.0, f64::max);
    let bar = |rate: &f64| BARS[((rate / highest * 7.0).round() as usize).min(7)];
    rates.iter().map(bar).collect()
}

fn milliseconds(us: u64) -> String {
    if us < 10_000 { format!("{:.1} ms", us as f64 / 1_000.0) } else { format!("{} ms", us / 1_000) }
}

/// What happened, whether it adds up, and where to look next.
pub(super) fn summary(ended: &Ended) -> String {
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_summary(ended, &mut text);
    text
}

fn write_summary(ended: &Ended, out: &mut String) -> std::fmt::Result {
    let sight = &ended.sight;
    let [approved, refused, unknown, not_sent] = sight.told;
    let seconds = ended.lasted.as_secs_f64();
    writeln!(out, "\n  played {seconds:.0} s with seed {}: {} transactions", ended.seed, sight.asked)?;
    writeln!(
        out,
        "  terminals  approved {approved}   refused {}   unknown {unknown}   heard nothing {}   repeats {}",
        refused + not_sent,
        sight.unheard,
        sight.repeats
    )?;
    writeln!(
        out,
        "             taken back (0420) {}   reported (0220) {}   not acknowledged {}",
        sight.taken_back, sight.reported, sight.unacknowledged
    )?;
    if sight.went_away > 0 {
        writeln!(out, "             {} customers found the line too long and went away", sight.went_away)?;
    }
    let ms = |quantile| milliseconds(sight.took_us.value_at_quantile(quantile));
    writeln!(out, "  answers    p50 {}   p99 {}   p99.9 {}", ms(0.5), ms(0.99), ms(0.999))?;
    for (name, counts) in &ended.hosts {
        writeln!(
            out,
            "  {name:<10} asked {}   owed {}   posted {}, {} yen   reversed {}, {} yen",
            counts.asked - counts.owed,
            counts.owed,
            counts.posted.count,
            counts.posted.minor_units,
            counts.reversed.count,
            counts.reversed.minor_units
        )?;
    }
    let CenterEnded { counts, posted, date, is_signed_off } = &ended.center;
    writeln!(
        out,
        "  {:<10} asked {}   posted {}, {} yen   signed on {}   {}\n             days ended {}, \
         now {date}   totals compared {}, of these different {}",
        center::NAME,
        counts.asked,
        posted.count,
        posted.minor_units,
        counts.sign_ons,
        if *is_signed_off { "signed off" } else { "left without a word" },
        counts.cutovers,
        counts.compared,
        counts.differed
    )?;
    if ended.starts > 1 {
        writeln!(out, "  switch     killed and started again {} times", ended.starts - 1)?;
    }
    match ended.stopped {
        Stopped::Drained => writeln!(out, "  switch     drained, journal closed in order")?,
        Stopped::Abandoned => writeln!(out, "  switch     ended without draining")?,
        Stopped::JournalFailed(error) => writeln!(out, "  switch     stopped by its journal: {error}")?,
    }
    if let Some(verdict) = &ended.verdict {
        writeln!(out, "\n  books, compared request by request:")?;
        verdict.to_string().lines().try_for_each(|line| writeln!(out, "  {line}"))?;
        if verdict.told_approved.count == 0 {
            writeln!(out, "  nothing was approved, so nothing is proved")?;
        }
    }
    write_next(ended, out)
}

fn write_next(ended: &Ended, out: &mut String) -> std::fmt::Result {
    let data = ended.data.display();
    writeln!(out, "\n  next: sekisho journal verify {data}    every checksum and the chain")?;
    writeln!(out, "        sekisho journal ls {data}        what happened, record by record")?;
    writeln!(out, "        sekisho dialect show iso93-ascii          one of the hosts' formats")?;
    if ended.verdict.is_none() {
        writeln!(
            out,
            "        sekisho demo --for 30s --assert           the same, and compare everybody's books"
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sparkline_rises_with_what_it_shows() {
        assert_eq!(sparkline(&VecDeque::from([0.0, 10.0, 20.0])), "▁▅█");
        assert_eq!(sparkline(&VecDeque::new()), "");
    }
}
