//! The other end of a switch's control socket.

use serde_json::Value;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// A switch that has not answered by then will not: it answers in milliseconds, or when its disk has synced.
const PATIENCE: Duration = Duration::from_secs(10);

/// What it said.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// Why nobody said anything.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreachable {
    /// Not a byte of it was heard by anybody.
    #[error("no switch answers on {}: {source}", path.display())]
    Nobody { path: PathBuf, source: io::Error },
    /// It may have been heard.
    #[error("the answer from {} did not come: {source}", path.display())]
    Broken { path: PathBuf, source: io::Error },
    /// It may have been heard.
    #[error("what answers on {} is no switch", path.display())]
    Strange { path: PathBuf },
}

/// Asks for something.
pub(crate) fn get(socket: &Path, place: &str) -> Result<Reply, Unreachable> {
    ask(socket, "GET", place, "")
}

/// Gives an order.
pub(crate) fn post(socket: &Path, place: &str, body: &Value) -> Result<Reply, Unreachable> {
    ask(socket, "POST", place, &body.to_string())
}

fn ask(socket: &Path, method: &str, place: &str, body: &str) -> Result<Reply, Unreachable> {
    let path = || socket.to_owned();
    let stream =
        UnixStream::connect(socket).map_err(|source| Unreachable::Nobody { path: path(), source })?;
    let said = exchange(stream, method, place, body)
        .map_err(|source| Unreachable::Broken { path: path(), source })?;
    understood(&said).ok_or_else(|| Unreachable::Strange { path: path() })
}

/// HTTP 1.0: the answer ends where the connection does.
fn exchange(mut stream: UnixStream, method: &str, place: &str, body: &str) -> io::Result<String> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let question = format!(
        "{method} {place} HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    // In one piece: a switch that needs no body may have answered and closed before a second one.
    stream.write_all(question.as_bytes())?;
    read_answer(&mut stream)
}

/// Everything up to the end of the connection. An answer that came whole is one, also where the switch has closed
/// without reading all of the question: the system calls that a broken connection.
fn read_answer(stream: &mut impl Read) -> io::Result<String> {
    let mut said = Vec::new();
    match stream.read_to_end(&mut said) {
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
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some(Reply { status, body: serde_json::from_str(body).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what it has, and then breaks.
    struct Broken<'a>(&'a [u8]);

    impl Read for Broken<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            match self.0.read(into) {
                Ok(0) => Err(io::ErrorKind::ConnectionReset.into()),
                read => read,
            }
        }
    }

    #[test]
    fn an_answer_that_came_whole_is_one_however_its_connection_ended() {
        let whole = "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}";
        assert_eq!(read_answer(&mut Broken(whole.as_bytes())).ok().as_deref(), Some(whole));
        for cut in ["", "HTTP/1.0 200 OK\r\n", &whole[..whole.len() - 1], "HTTP/1.0 200 OK\r\n\r\n{}"] {
            assert!(read_answer(&mut Broken(cut.as_bytes())).is_err(), "{cut}");
        }
    }

    #[test]
    fn an_answer_is_a_status_and_json() {
        let reply = understood("HTTP/1.0 409 Conflict\r\na: b\r\n\r\n{\"said\":\"no\"}").expect("whole");
        assert_eq!((reply.status, reply.body["said"].as_str()), (409, Some("no")));
        assert!(
            ["", "HTTP/1.0 200 OK\r\n\r\nhello", "hello\r\n\r\n{}"]
                .map(understood)
                .iter()
                .all(Option::is_none)
        );
    }
}
