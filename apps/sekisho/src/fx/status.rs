//! `fxctrl_cn status`: a page whose words scripts look for, so that none of it is translated.

use super::place::Daemon;
use super::rc::Rc;
use super::sessions::applications;
use super::verdict::No;
use crate::commands::paper::Paper;
use crate::run::links::LinkJson;
use crate::run::recovery::RecoveryJson;

/// Does it.
pub(super) fn run(daemon: &Daemon) -> Result<Rc, No> {
    let link = daemon.link()?;
    let status = daemon.get("/v1/status")?.body;
    let recovery = serde_json::from_value::<RecoveryJson>(daemon.get("/v1/recovery")?.body).ok();
    let recovery = recovery.map_or_else(|| "unknown".into(), |recovery| recovery.state);
    let applications = applications(daemon)?.len();
    let mut paper = Paper::new();
    let mut row = |name: &str, said: String| paper.line(format_args!("{name:<10} {said}"));
    row("CENTER", format!("{} ({})", link.name, link.dialect));
    let pid = status["pid"].as_u64().map_or_else(String::new, |pid| format!("  pid {pid}"));
    let since = status["started_at"].as_str().unwrap_or("unknown");
    row("DAEMON", format!("RUNNING{pid}  since {since}"));
    row(
        "STATUS",
        format!("{:<10} SWITCHING {:<4} RECOVERY {}", signed(&link), switching(&link), recovering(&recovery)),
    );
    row("CUT DATE", link.business_date.clone().unwrap_or_else(|| "-".into()));
    row(
        "SESSIONS",
        format!("center {}/{}   application {applications}", link.connections, link.connections_wanted),
    );
    Ok(Rc::OK)
}

fn signed(link: &LinkJson) -> &'static str {
    match link.state.as_str() {
        "signed-on" => "SIGNON",
        "connected" if link.sign_on == "none" => "SIGNON",
        _ => "SIGNOFF",
    }
}

fn switching(link: &LinkJson) -> &'static str {
    let is_moving = matches!(link.state.as_str(), "signing-on" | "signing-off" | "draining");
    if is_moving || link.cutover == "cutting-over" { "yes" } else { "no" }
}

fn recovering(state: &str) -> &str {
    match state {
        "not_needed" | "done" => "no",
        other => other,
    }
}
