//! What the system says about processes: processor time and memory, from `/proc`.

use serde::{Deserialize, Serialize};

/// The system counts processor time in ticks of this many microseconds (`USER_HZ` is 100 on every Linux).
const TICK_US: u64 = 10_000;

/// A process to be watched, by a name for people.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Watched {
    /// What to call it.
    pub name: String,
    /// Its number.
    pub pid: u32,
}

/// What a process used while it was watched.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Used {
    /// What it is called.
    pub name: String,
    /// Processor time in microseconds; exact to ten thousand.
    pub cpu_us: u64,
    /// Of that, for one transaction.
    pub cpu_us_per_txn: f64,
    /// Memory it holds at the end, in kilobytes.
    pub rss_kb: u64,
    /// The most it ever held.
    pub peak_kb: u64,
}

impl std::str::FromStr for Watched {
    type Err = String;

    /// `NAME=PID`.
    fn from_str(text: &str) -> Result<Self, String> {
        let (name, pid) = text.split_once('=').ok_or("expected NAME=PID")?;
        let pid = pid.parse().map_err(|_| format!("`{pid}` is no process number"))?;
        Ok(Self { name: name.to_owned(), pid })
    }
}

impl Watched {
    /// This process.
    pub fn this(name: &str) -> Self {
        Self { name: name.to_owned(), pid: std::process::id() }
    }

    /// What it has used since it used `cpu_us_before`, in which time `transactions` were done.
    pub fn used(&self, cpu_us_before: u64, transactions: u64) -> Used {
        let cpu_us = cpu_us(self.pid).unwrap_or(cpu_us_before).saturating_sub(cpu_us_before);
        Used {
            name: self.name.clone(),
            cpu_us,
            cpu_us_per_txn: cpu_us as f64 / transactions.max(1) as f64,
            rss_kb: memory_kb(self.pid, "VmRSS").unwrap_or(0),
            peak_kb: memory_kb(self.pid, "VmHWM").unwrap_or(0),
        }
    }

    /// Processor time it has used up to now, in microseconds; 0 where there is no such process.
    pub fn cpu_us(&self) -> u64 {
        cpu_us(self.pid).unwrap_or(0)
    }
}

fn cpu_us(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the process may hold anything, so counting begins behind its closing parenthesis.
    let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_ascii_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some((ticks(11)? + ticks(12)?) * TICK_US)
}

fn memory_kb(pid: u32, key: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory() {
        let me = Watched::this("me");
        let used = me.used(0, 1);
        assert!(used.rss_kb > 0 && used.peak_kb >= used.rss_kb, "{used:?}");
    }

    #[test]
    fn a_process_is_named_with_its_number() {
        assert_eq!("host=12".parse(), Ok(Watched { name: "host".into(), pid: 12 }));
        assert!("12".parse::<Watched>().is_err() && "host=x".parse::<Watched>().is_err());
    }
}
