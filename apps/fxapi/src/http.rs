//! The other end of a switch's control socket: one question a connection, and a stream of events.

use crate::rc::Rc;
use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// A switch answers a question about itself in milliseconds, or when its disk has synced.
pub(crate) const SOON: Duration = Duration::from_secs(10);
/// A submission is answered when the host answers, or when the switch's own patience ends: longer than both.
pub(crate) const AT_LENGTH: Duration = Duration::from_secs(660);
/// No answer of a switch is longer.
const ANSWER_BYTES_MAX: u64 = 4 << 20;

/// What it said.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Reply {
    /// The code of a refusal.
    pub(crate) fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// Why it said nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Silence {
    /// Not a byte of it was heard by anybody.
    #[error("nobody answers")]
    Nobody,
    /// It may have been heard.
    #[error("the answer did not come")]
    Broken,
}

impl From<Silence> for Rc {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Nobody => Self::PKG_IS_NOT_STARTED,
            Silence::Broken => Self::ERROR_SOCKET,
        }
    }
}

/// What is asked: method, place, headers besides the usual, body.
pub(crate) struct Question<'a> {
    pub(crate) method: &'a str,
    pub(crate) place: &'a str,
    /// The name of what is submitted.
    pub(crate) key: Option<&'a str>,
    pub(crate) body: Zeroizing<String>,
}

impl<'a> Question<'a> {
    /// To look at something.
    pub(crate) fn get(place: &'a str) -> Self {
        Self { method: "GET", place, key: None, body: Zeroizing::default() }
    }

    /// To do something.
    pub(crate) fn post(place: &'a str, body: &Value) -> Self {
        Self { method: "POST", place, key: None, body: Zeroizing::new(body.to_string()) }
    }

    fn head(&self) -> String {
        let Self { method, place, key, body } = self;
        let key = key.map_or_else(String::new, |key| format!("Idempotency-Key: {key}\r\n"));
        format!(
            "{method} {place} HTTP/1.0\r\nContent-Type: application/json\r\n{key}Content-Length: {}\r\n\r\n",
            body.len()
        )
    }
}

/// Asks, and waits so long for the answer.
pub(crate) fn ask(socket: &Path, question: &Question<'_>, patience: Duration) -> Result<Reply, Silence> {
    let mut stream = UnixStream::connect(socket).map_err(|_| Silence::Nobody)?;
    let said = exchange(&mut stream, question, patience).map_err(|_| Silence::Broken)?;
    understood(&said).ok_or(Silence::Broken)
}

fn exchange(stream: &mut UnixStream, question: &Question<'_>, patience: Duration) -> io::Result<String> {
    stream.set_write_timeout(Some(SOON))?;
    stream.set_read_timeout(Some(patience))?;
    // In one piece: a switch that needs no body may have answered and closed before a second one.
    let whole = Zeroizing::new(question.head() + question.body.as_str());
    stream.write_all(whole.as_bytes())?;
    let mut said = Vec::new();
    match stream.take(ANSWER_BYTES_MAX).read_to_end(&mut said) {
        // A switch that closes before it has read all of a question breaks the connection behind a whole answer.
        Err(error) if !is_whole(&said) => return Err(error),
        Ok(_) | Err(_) => {}
    }
    String::from_utf8(said).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Whether as many bytes stand behind its head as the head says.
fn is_whole(said: &[u8]) -> bool {
    let said = String::from_utf8_lossy(said);
    let Some((head, body)) = said.split_once("\r\n\r\n") else { return false };
    let lengths = head.lines().filter_map(|line| line.split_once(':'));
    let length = lengths.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    length.filter_map(|(_, value)| value.trim().parse::<usize>().ok()).any(|length| body.len() >= length)
}

fn understood(said: &str) -> Option<Reply> {
    let (head, body) = said.split_once("\r\n\r\n")?;
    let status = status_of(head)?;
    Some(Reply { status, body: serde_json::from_str(body).ok()? })
}

fn status_of(head: &str) -> Option<u16> {
    head.strip_prefix("HTTP/1.")?.split(' ').nth(1)?.parse().ok()
}

/// Events as they come. It ends when either side closes.
pub(crate) struct Events {
    lines: BufReader<UnixStream>,
}

/// Longest line of an event.
const EVENT_BYTES_MAX: u64 = 64 * 1_024;

impl Events {
    /// Listens at a place; the first byte of the answer is waited for, so that whoever goes on is heard.
    pub(crate) fn open(socket: &Path, place: &str) -> Result<(Self, UnixStream), Silence> {
        let mut stream = UnixStream::connect(socket).map_err(|_| Silence::Nobody)?;
        let opened = || -> io::Result<(Self, UnixStream)> {
            stream.set_write_timeout(Some(SOON))?;
            stream.set_read_timeout(Some(SOON))?;
            stream.write_all(Question::get(place).head().as_bytes())?;
            let ours = stream.try_clone()?;
            let mut events = Self { lines: BufReader::new(stream) };
            let status = status_of(&events.line()?.unwrap_or_default());
            if status != Some(200) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            while !events.line()?.is_none_or(|line| line.is_empty()) {}
            // From here on silence is nothing unusual: comments come often enough to notice a dead line.
            ours.set_read_timeout(Some(Duration::from_secs(60)))?;
            Ok((events, ours))
        };
        opened_or_broken(opened)
    }

    /// The next one; `None` when there will be no more.
    pub(crate) fn next(&mut self) -> Option<Value> {
        loop {
            let line = self.line().ok()??;
            if let Some(event) = line.strip_prefix("data:").and_then(|data| serde_json::from_str(data).ok()) {
                return Some(event);
            }
        }
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = (&mut self.lines).take(EVENT_BYTES_MAX).read_line(&mut line)?;
        Ok((read > 0).then(|| line.trim_end_matches(['\r', '\n']).to_owned()))
    }
}

fn opened_or_broken<T>(open: impl FnOnce() -> io::Result<T>) -> Result<T, Silence> {
    open().map_err(|_| Silence::Broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_and_json_and_nothing_else() {
        let reply =
            understood("HTTP/1.0 409 Conflict\r\na: b\r\n\r\n{\"code\":\"under_way\"}").expect("whole");
        assert_eq!((reply.status, reply.code()), (409, "under_way"));
        for strange in ["", "HTTP/1.0 200 OK\r\n\r\nhello", "hello\r\n\r\n{}", "HTTP/1.1 x\r\n\r\n{}"] {
            assert!(understood(strange).is_none(), "{strange}");
        }
    }

    #[test]
    fn an_answer_is_whole_when_its_head_says_so() {
        let whole = "HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        assert!(is_whole(whole.as_bytes()));
        for cut in ["", "HTTP/1.0 200 OK\r\n", &whole[..whole.len() - 1], "HTTP/1.0 200 OK\r\n\r\n{}"] {
            assert!(!is_whole(cut.as_bytes()), "{cut}");
        }
    }

    #[test]
    fn a_key_goes_along_with_what_is_submitted() {
        let body = serde_json::json!({ "a": 1 });
        let question = Question { key: Some("fx-1"), ..Question::post("/v1/transactions", &body) };
        assert!(question.head().contains("Idempotency-Key: fx-1\r\nContent-Length: 7\r\n\r\n"));
    }
}
