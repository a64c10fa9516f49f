//! `fxsession_cn`: connections with the centre, and the sessions of applications.

use super::place::{Around, Daemon};
use super::rc::Rc;
use super::verdict::No;
use super::words;
use crate::commands::link::lines;
use crate::commands::paper::Paper;
use clap::Parser;
use serde::Deserialize;
use std::fmt;

/// List connections and sessions; purge one that is stuck.
#[derive(Debug, Parser)]
#[command(
    name = "fxsession_cn",
    version,
    infer_subcommands = true,
    after_help = "Without a word it lists. Words may be cut as short as they stay clear. Exit: the return code, as printed"
)]
pub(super) struct Tool {
    #[command(flatten)]
    pub(super) around: Around,
    #[command(subcommand)]
    word: Option<Word>,
}

#[derive(Debug, clap::Subcommand)]
enum Word {
    /// List them
    List,
    /// Close a connection with the centre; it is built anew
    Purge {
        /// Its number in the list
        #[arg(value_name = "N")]
        number: usize,
    },
}

/// Does it.
pub(super) fn run(tool: &Tool) -> Result<Rc, No> {
    let around = &tool.around;
    let daemon = around.daemon()?;
    match tool.word {
        None | Some(Word::List) => list(&daemon),
        Some(Word::Purge { number }) => purge(around, &daemon, number),
    }
}

fn list(daemon: &Daemon) -> Result<Rc, No> {
    let lines = lines::all(&daemon.door, &daemon.link)?;
    let applications = applications(daemon)?;
    let mut paper = Paper::new();
    paper.text(lines::table(&lines));
    for application in applications {
        paper.line(application);
    }
    Ok(Rc::OK)
}

fn purge(around: &Around, daemon: &Daemon, number: usize) -> Result<Rc, No> {
    let shown = number.to_string();
    match lines::cut(&daemon.door, &daemon.link, number, Some(daemon.by()))? {
        true => {
            around.say(&words::PURGED, &[("number", &shown)]);
            Ok(Rc::OK)
        }
        false => {
            let no = No::new(Rc::ERROR, &words::NO_SUCH_SESSION).with("number", shown);
            Err(no.and("next    fxsession_cn"))
        }
    }
}

/// An application that holds a session.
#[derive(Debug, Deserialize)]
pub(super) struct Application {
    number: u64,
    application: String,
    opened_at: String,
    /// The link it is about; nothing for all of them.
    link: Option<String>,
}

impl fmt::Display for Application {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { number, application, opened_at, .. } = self;
        write!(f, "{application}  session {number}  since {opened_at}")
    }
}

/// The applications that hold sessions about the link now.
pub(super) fn applications(daemon: &Daemon) -> Result<Vec<Application>, No> {
    let is_about = |one: &Application| one.link.as_ref().is_none_or(|link| *link == daemon.link);
    Ok(sessions_of_all(daemon)?.into_iter().filter(is_about).collect())
}

/// The applications that hold sessions, about whatever link.
pub(super) fn sessions_of_all(daemon: &Daemon) -> Result<Vec<Application>, No> {
    let reply = daemon.get("/v1/sessions")?;
    serde_json::from_value(reply.body["data"].clone())
        .map_err(|error| No::new(Rc::ERROR_DAEMON, &words::NOT_KNOWN).and(error.to_string()))
}

/// Fails where applications hold sessions, and names them.
pub(super) fn nobody_holds_a_session(daemon: &Daemon) -> Result<(), No> {
    let applications = applications(daemon)?;
    if applications.is_empty() {
        return Ok(());
    }
    Err(applications_remain(&applications, daemon))
}

/// It is refused because of these.
pub(super) fn applications_remain(applications: &[Application], daemon: &Daemon) -> No {
    let no = No::new(Rc::APPL_IS_REMAINED, &words::APPLICATIONS);
    let no = applications.iter().fold(no, |no, application| no.and(application.to_string()));
    no.and(format!("next    stop them, or  sekisho link drain {}", daemon.link))
}
