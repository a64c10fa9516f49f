//! Questions about this machine and its files, answered without a switch.

use super::questions::Thresholds;
use super::{Answer, Figure, Verdict};
use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Syncs of a probe. Enough for a figure, too few to be felt.
const PROBES: usize = 20;

/// The nearest directory above that exists: where a file of that path would come to lie.
fn existing(path: &Path) -> &Path {
    path.ancestors().find(|above| above.exists()).unwrap_or(Path::new("."))
}

/// How full the disk under a directory is.
pub(crate) fn room(directory: &Path, thresholds: Thresholds) -> Answer {
    let room = match disk::room(existing(directory)) {
        Ok(room) => room,
        Err(error) => {
            return Answer::new(Verdict::Unknown, format!("{}: {error}", directory.display()));
        }
    };
    let used = room.used_percent();
    let (warn, critical) = (thresholds.warn.unwrap_or(80.0), thresholds.critical.unwrap_or(95.0));
    let free_mb = room.free_bytes / 1_000_000;
    let figure = Figure { name: "used", value: used, unit: "%", warn, critical };
    let place = match directory.exists() {
        true => directory.display().to_string(),
        false => format!(
            "{} is not there yet; where it would be made ({})",
            directory.display(),
            existing(directory).display()
        ),
    };
    Answer::measured(figure, format!("{place}: {used:.0} % used, {free_mb} MB free"))
        .next("make room: a switch that cannot write takes no requests")
}

/// What a sync costs where the journal lies, on a file made for it and removed.
pub(crate) fn sync_probe(directory: &Path) -> Answer {
    match probe(existing(directory)) {
        Ok(mut took_ms) => {
            took_ms.sort_by(f64::total_cmp);
            let (median, longest) = (took_ms[took_ms.len() / 2], took_ms[took_ms.len() - 1]);
            let figure = Figure { name: "sync", value: median, unit: "ms", warn: 20.0, critical: 100.0 };
            Answer::measured(
                figure,
                format!("a sync takes {median:.1} ms, the longest of {PROBES} {longest:.1} ms"),
            )
            .next("every transaction waits for this disk; use another one")
        }
        Err(error) => {
            Answer::new(Verdict::Critical, format!("{} cannot be written: {error}", directory.display()))
                .next(format!("may this user write there?  ls -ld {}", directory.display()))
        }
    }
}

fn probe(directory: &Path) -> io::Result<Vec<f64>> {
    let path = directory.join(format!(".sekisho-probe-{}", std::process::id()));
    let measured = File::create_new(&path).and_then(|mut file| {
        let once = |_| {
            let began = Instant::now();
            file.write_all(&[0; 4_096])?;
            file.sync_data()?;
            Ok(began.elapsed().as_secs_f64() * 1_000.0)
        };
        (0..PROBES).map(once).collect()
    });
    // It was made for this alone.
    let _ = std::fs::remove_file(&path);
    measured
}

/// A file with a secret in it that others may read; `None` where it is not there.
pub(crate) fn secret(path: &Path) -> Option<Answer> {
    let mode = std::fs::metadata(path).ok()?.permissions().mode() & 0o777;
    let shown = path.display();
    Some(match mode & 0o077 {
        0 => Answer::ok(format!("{shown}: for its owner alone")),
        _ => Answer::new(Verdict::Critical, format!("{shown}: others may read it (mode {mode:o})"))
            .next(format!("chmod 600 {shown}")),
    })
}

/// Makes it its owner's alone.
pub(crate) fn close_secret(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))
}

/// The key of the journal in a data directory.
pub(crate) fn journal_key(directory: &Path) -> PathBuf {
    directory.join("journal.key")
}

/// Cores and open files.
pub(crate) fn machine() -> Answer {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let files = net::raise_open_files_max();
    let many = files.map_or_else(|| "any number of".into(), |files| files.to_string());
    let said = format!("{cores} cores, {many} open files");
    match files.is_some_and(|files| files < 4_096) {
        true => Answer::new(Verdict::Warning, said).next("LimitNOFILE= in the service unit, or ulimit -n"),
        false => Answer::ok(said),
    }
}
