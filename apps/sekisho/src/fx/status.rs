//! `fxctrl_cn status`: a page whose words scripts look for, so that none of it is translated.

use super::place::Daemon;
use super::rc::Rc;
use super::sessions::applications;
use super::verdict::No;
use crate::commands::paper::Paper;
use crate::run::links::LinkJson;
use crate::run::recovery::RecoveryJson;
use serde_json::Value;

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
    let day = link.business_date.clone().unwrap_or_else(|| "-".into());
    row("CUT DATE", format!("{day}   RECONCILED(prev) {}", reconciled(daemon)?));
    row(
        "SESSIONS",
        format!("center {}/{}   application {applications}", link.connections, link.connections_wanted),
    );
    Ok(Rc::OK)
}

/// Whether the day that ended last was compared, and balanced in every currency; `-` where none has ended.
fn reconciled(daemon: &Daemon) -> Result<&'static str, No> {
    let seen = daemon.get(&format!("/v1/reconciliations?link={}", daemon.link))?.body;
    let all: Vec<&Value> = seen["data"].as_array().into_iter().flatten().collect();
    let Some(last) = all.iter().filter_map(|one| one["business_date"].as_str()).max() else { return Ok("-") };
    let mut of_it = all.iter().filter(|one| one["business_date"] == last);
    Ok(if of_it.all(|one| one["state"] == "balanced") { "yes" } else { "no" })
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
