//! A small HTTP client: one request a connection, and events line by line.
#![allow(dead_code, reason = "each test program uses its own part")]

pub(crate) mod schema;

use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use stories::Setup;

/// Longer than anything waited for takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Where to ask.
#[derive(Clone, Debug)]
pub(crate) enum At {
    Socket(PathBuf),
    Tcp(SocketAddr, Option<String>),
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(one, _)| one == name).map(|(_, value)| value.as_str())
    }

    /// Fails unless this is the status.
    #[track_caller]
    pub(crate) fn says(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// Fails unless it is a whole problem of that status and code.
    #[track_caller]
    pub(crate) fn refuses(self, status: u16, code: &str) -> Self {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert_eq!(self.body["request_id"].as_str(), self.header("request-id"), "{self:?}");
        for member in ["type", "title", "detail"] {
            assert!(self.body[member].as_str().is_some_and(|text| !text.is_empty()), "{member}: {self:?}");
        }
        assert!(self.body["outcome_known"].is_boolean() && self.body["retryable"].is_boolean(), "{self:?}");
        self
    }

    pub(crate) fn text(&self, member: &str) -> &str {
        self.body[member].as_str().unwrap_or_else(|| panic!("{member} is a text: {self:?}"))
    }
}

pub(crate) trait Line: Read + Write {}
impl<T: Read + Write> Line for T {}

impl At {
    pub(crate) fn socket_of(setup: &Setup) -> Self {
        Self::Socket(setup.data.join("control.sock"))
    }

    fn connect(&self) -> std::io::Result<Box<dyn Line>> {
        Ok(match self {
            Self::Socket(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
            Self::Tcp(address, _) => {
                let stream = TcpStream::connect(address)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Box::new(stream)
            }
        })
    }

    fn say(
        &self,
        line: &mut dyn Line,
        method: &str,
        place: &str,
        headers: &[(&str, &str)],
        body: &str,
        close: bool,
    ) {
        let mut text =
            format!("{method} {place} HTTP/1.1\r\nHost: switch\r\nContent-Length: {}\r\n", body.len());
        if close {
            text += "Connection: close\r\n";
        }
        if let Self::Tcp(_, Some(key)) = self {
            text += &format!("Authorization: Bearer {key}\r\n");
        }
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        text += "\r\n";
        text += body;
        line.write_all(text.as_bytes()).expect("it reads");
    }

    pub(crate) fn ask(&self, method: &str, place: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut line = self.connect().expect("it listens");
        self.say(line.as_mut(), method, place, headers, body, true);
        let mut said = Vec::new();
        line.read_to_end(&mut said).expect("it answers");
        understood(&String::from_utf8(said).expect("text"))
    }

    pub(crate) fn get(&self, place: &str) -> Reply {
        self.ask("GET", place, &[], "")
    }

    pub(crate) fn delete(&self, place: &str) -> Reply {
        self.ask("DELETE", place, &[], "")
    }

    pub(crate) fn post(&self, place: &str, body: &Value) -> Reply {
        self.ask("POST", place, &[], &body.to_string())
    }

    /// Submits a transaction under a key.
    pub(crate) fn submit(&self, key: &str, body: &Value) -> Reply {
        self.ask("POST", "/v1/transactions", &[("Idempotency-Key", key)], &body.to_string())
    }

    /// Says it and does not listen; goes away when what comes back is dropped.
    pub(crate) fn submit_and_turn_away(&self, key: &str, body: &Value) -> Box<dyn Line> {
        let mut line = self.connect().expect("it listens");
        let headers = [("Idempotency-Key", key)];
        self.say(line.as_mut(), "POST", "/v1/transactions", &headers, &body.to_string(), true);
        line
    }

    /// Listens.
    pub(crate) fn listen(&self, place: &str, headers: &[(&str, &str)]) -> Events {
        let mut line = self.connect().expect("it listens");
        self.say(line.as_mut(), "GET", place, headers, "", false);
        let mut lines = BufReader::new(line);
        let mut first = String::new();
        lines.read_line(&mut first).expect("it answers");
        assert!(first.starts_with("HTTP/1.1 200"), "{first}");
        Events { lines }
    }
}

fn understood(said: &str) -> Reply {
    let (head, body) = said.split_once("\r\n\r\n").unwrap_or_else(|| panic!("an answer: {said:?}"));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let body = serde_json::from_str(body).unwrap_or(Value::String(body.to_owned()));
    Reply { status: status.expect("a status"), headers, body }
}

/// Events, as they come.
pub(crate) struct Events {
    lines: BufReader<Box<dyn Line>>,
}

impl Events {
    /// The next event that is no comment: its id, its name, what it says; `None` where the stream ends.
    pub(crate) fn next(&mut self) -> Option<(String, String, Value)> {
        let (mut id, mut name) = (String::new(), String::new());
        let deadline = Instant::now() + PATIENCE;
        // Comments come for ever.
        while Instant::now() < deadline {
            let mut line = String::new();
            if self.lines.read_line(&mut line).ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            if let Some(text) = line.strip_prefix("id: ") {
                id = text.to_owned();
            } else if let Some(text) = line.strip_prefix("event: ") {
                name = text.to_owned();
            } else if let Some(text) = line.strip_prefix("data: ") {
                return Some((id, name, serde_json::from_str(text).expect("JSON")));
            }
        }
        None
    }

    /// The next of that name.
    #[track_caller]
    pub(crate) fn until(&mut self, wanted: &str) -> (String, Value) {
        let deadline = Instant::now() + PATIENCE;
        let mut passed = Vec::new();
        while Instant::now() < deadline {
            let Some((id, name, event)) = self.next() else { break };
            if name == wanted {
                return (id, event);
            }
            passed.push(name);
        }
        panic!("no {wanted} came; {passed:?} did");
    }
}
