//! Questions and answers as HTTP 1.0 writes them: the answer ends where the connection does.

use super::Reply;
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// What is asked.
pub(super) struct Question<'a> {
    pub(super) method: &'static str,
    pub(super) place: &'a str,
    /// Who asks, where a key says so.
    pub(super) key: Option<&'a str>,
    pub(super) body: &'a str,
}

/// Asks, and hears all that is said.
pub(super) fn exchange(mut line: impl Read + Write, question: &Question<'_>) -> io::Result<String> {
    // In one piece: a switch that needs no body may have answered and closed before a second one.
    line.write_all(question.written().as_bytes())?;
    line.flush()?;
    read_answer(&mut line)
}

impl Question<'_> {
    fn written(&self) -> Zeroizing<String> {
        let Self { method, place, key, body } = self;
        // As long as it gets, so that no copy of the key is left behind by growing.
        let mut text =
            Zeroizing::new(String::with_capacity(256 + place.len() + key.map_or(0, str::len) + body.len()));
        text.push_str(method);
        text.push(' ');
        text.push_str(place);
        text.push_str(" HTTP/1.0\r\nContent-Type: application/json\r\n");
        if let Some(key) = key {
            text.push_str("Authorization: Bearer ");
            text.push_str(key);
            text.push_str("\r\n");
        }
        text.push_str(&format!("Content-Length: {}\r\n\r\n", body.len()));
        text.push_str(body);
        text
    }
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

pub(super) fn understood(said: &str) -> Option<Reply> {
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
