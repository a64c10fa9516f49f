//! A switch over TCP: its address, whom we believe, the key we show.

use super::{Unreachable, Way};
use net::{CallError, CallerLine, TlsCaller, TlsClient, TlsError};
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zeroize::Zeroizing;

/// Longest file that is taken for one with a key in it.
const KEY_FILE_BYTES_MAX: u64 = 4_096;

/// How a switch elsewhere is reached, as a person said it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Settings {
    /// `https://HOST:PORT`, or `http://HOST:PORT`.
    pub(crate) server: String,
    /// The file with the key.
    pub(crate) key_file: Option<PathBuf>,
    /// Authorities of its certificate; without it, those this machine trusts.
    pub(crate) ca_file: Option<PathBuf>,
    /// The name on its certificate, where it is not the host of the address.
    pub(crate) server_name: Option<String>,
    /// What we show of ourselves, where it asks for that: certificate and its key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// The key may go in the clear to another machine.
    pub(crate) plain_http: bool,
}

/// What is wrong with that. Nothing was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("`{0}` is no address such as https://switch.bank:8582 or unix:/run/sekisho/control.sock")]
    Address(String),
    #[error("{0} is not this machine, and without TLS the key would go in the clear")]
    Plain(String),
    #[error("no key for {0}")]
    NoKey(String),
    #[error("the key file {}: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("the key file {} may be read by others (mode {mode:o})", path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{} holds no key: one line that begins with sk_", .0.display())]
    NotAKey(PathBuf),
    #[error("no authority to believe in: this machine keeps none in a usual place")]
    NoAuthorities,
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
}

impl Wrong {
    /// What to type next.
    pub(crate) fn next(&self) -> String {
        match self {
            Self::Address(_) => "--server https://HOST:PORT".into(),
            Self::Plain(_) => "--server https://HOST:PORT   (to do it all the same: --plain-http)".into(),
            Self::NoKey(_) => "--key-file FILE, or SEKISHO_KEY_FILE; on its machine: sekisho api key new NAME --role operator".into(),
            Self::Read { path, .. } => format!("ls -l {}", path.display()),
            Self::Exposed { path, .. } => format!("chmod 600 {}", path.display()),
            Self::NotAKey(_) => "on its machine: sekisho api key new NAME --role operator > FILE".into(),
            Self::NoAuthorities | Self::Tls(_) => "--ca-file FILE, or SEKISHO_CA_FILE".into(),
        }
    }

    /// What a command ends with.
    pub(crate) const fn exit_code(&self) -> u8 {
        match self {
            Self::Address(_) | Self::Plain(_) | Self::NoKey(_) => crate::exit::USAGE,
            Self::Read { .. }
            | Self::Exposed { .. }
            | Self::NotAKey(_)
            | Self::NoAuthorities
            | Self::Tls(_) => crate::exit::CONFIG,
        }
    }
}

/// A switch elsewhere.
#[derive(Clone)]
pub(crate) struct Remote {
    server: String,
    host: String,
    port: u16,
    tls: Option<TlsCaller>,
    key: Zeroizing<String>,
    /// Whether a line without TLS may leave this machine.
    plain_http: bool,
}

impl fmt::Debug for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("server", &self.server).finish_non_exhaustive()
    }
}

/// Why there is no line.
pub(super) enum NoLine {
    Io(io::Error),
    NotTrusted(String),
    Clear,
}

impl NoLine {
    pub(super) fn on(self, way: &Way) -> Unreachable {
        let way = way.to_string();
        match self {
            Self::Io(source) => Unreachable::Nobody { way, source },
            Self::NotTrusted(why) => Unreachable::NotTrusted { way, why },
            Self::Clear => Unreachable::NotTrusted {
                way,
                why: "its name leads to another machine, and without TLS the key would go in the clear"
                    .into(),
            },
        }
    }
}

impl Remote {
    /// Takes what a person said, and reads the files it names.
    pub(crate) fn of(settings: &Settings) -> Result<Self, Wrong> {
        let server = settings.server.trim_end_matches('/').to_owned();
        let (is_tls, host, port) = taken_apart(&server).ok_or_else(|| Wrong::Address(server.clone()))?;
        if !is_tls && !settings.plain_http && !names_this_machine(&host) {
            return Err(Wrong::Plain(server));
        }
        let key_file = settings.key_file.as_deref().ok_or_else(|| Wrong::NoKey(server.clone()))?;
        let key = key_in(key_file)?;
        let tls = if is_tls { Some(caller(settings, &host)?) } else { None };
        Ok(Self { server, host, port, tls, key, plain_http: settings.plain_http })
    }

    pub(crate) fn address(&self) -> &str {
        &self.server
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    /// A line on which the key may be shown.
    pub(super) fn connect(&self, patience: Duration) -> Result<Line, NoLine> {
        let addresses: Vec<SocketAddr> =
            (self.host.as_str(), self.port).to_socket_addrs().map_err(NoLine::Io)?.collect();
        let mut failed = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in addresses {
            if self.tls.is_none() && !self.plain_http && !address.ip().is_loopback() {
                return Err(NoLine::Clear);
            }
            match TcpStream::connect_timeout(&address, patience) {
                Ok(stream) => return self.shaken(stream, patience),
                Err(error) => failed = error,
            }
        }
        Err(NoLine::Io(failed))
    }

    fn shaken(&self, stream: TcpStream, patience: Duration) -> Result<Line, NoLine> {
        let patient = stream.set_read_timeout(Some(patience));
        let patient = patient.and_then(|()| stream.set_write_timeout(Some(patience)));
        patient.and_then(|()| stream.set_nodelay(true)).map_err(NoLine::Io)?;
        match &self.tls {
            None => Ok(Line::Plain(stream)),
            Some(tls) => {
                tls.call(stream).map(|line| Line::Tls(Box::new(line))).map_err(|error| match error {
                    CallError::NotTrusted { why } => NoLine::NotTrusted(why.to_string()),
                    CallError::Io(error) => NoLine::Io(error),
                })
            }
        }
    }
}

/// A line to a switch elsewhere.
pub(super) enum Line {
    Plain(TcpStream),
    Tls(Box<CallerLine>),
}

impl Read for Line {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::Tls(line) => line.read(into),
        }
    }
}

impl Write for Line {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(from),
            Self::Tls(line) => line.write(from),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(line) => line.flush(),
        }
    }
}

/// Whether it is TLS, the host and the port: an address and nothing else. A name or a password in it would be one on
/// the command line.
fn taken_apart(server: &str) -> Option<(bool, String, u16)> {
    let (is_tls, rest) = match server.split_once("://")? {
        ("https", rest) => (true, rest),
        ("http", rest) => (false, rest),
        _ => return None,
    };
    let (host, port) = match rest.strip_prefix('[') {
        Some(rest) => rest.split_once("]:")?,
        None => rest.rsplit_once(':')?,
    };
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let is_host =
        host.bytes().all(legal) || host.parse::<std::net::Ipv6Addr>().is_ok() && rest.starts_with('[');
    let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
    (!host.is_empty() && is_host).then(|| (is_tls, host.to_owned(), port))
}

/// Names are looked up when a line is built, and looked at again then.
fn names_this_machine(host: &str) -> bool {
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => address.is_loopback(),
        Err(_) => host.eq_ignore_ascii_case("localhost"),
    }
}

fn caller(settings: &Settings, host: &str) -> Result<TlsCaller, Wrong> {
    let authorities =
        settings.ca_file.clone().or_else(net::machine_authorities).ok_or(Wrong::NoAuthorities)?;
    let server_name = settings.server_name.clone().unwrap_or_else(|| host.to_owned());
    Ok(TlsClient { authorities, server_name, identity: settings.identity.clone() }.caller()?)
}

/// The one line of a file that is its owner's alone.
fn key_in(path: &Path) -> Result<Zeroizing<String>, Wrong> {
    let failed = |source| Wrong::Read { path: path.to_owned(), source };
    let file = std::fs::File::open(path).map_err(failed)?;
    let about = file.metadata().map_err(failed)?;
    let mode = about.mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Wrong::Exposed { path: path.to_owned(), mode });
    }
    // Room for all of it at once: a text that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(KEY_FILE_BYTES_MAX as usize + 1));
    file.take(KEY_FILE_BYTES_MAX).read_to_string(&mut text).map_err(failed)?;
    let key = text.trim();
    let is_key = key.starts_with("sk_") && key.bytes().all(|byte| byte.is_ascii_graphic());
    if !is_key {
        return Err(Wrong::NotAKey(path.to_owned()));
    }
    Ok(Zeroizing::new(key.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[rustfmt::skip]
    fn an_address_is_a_scheme_a_host_and_a_port_and_nothing_else() {
        let table = [
            ("https://switch.bank:8582",       Some((true, "switch.bank", 8582))),
            ("http://127.0.0.1:8582",          Some((false, "127.0.0.1", 8582))),
            ("https://[::1]:8582",             Some((true, "::1", 8582))),
            ("https://switch.bank",            None),
            ("https://switch.bank:0",          None),
            ("https://switch.bank:70000",      None),
            ("https://:8582",                  None),
            ("https://mori:secret@switch:8582", None),
            ("https://switch:8582/v1",         None),
            ("https://::1:8582",               None),
            ("ftp://switch:8582",              None),
            ("switch:8582",                    None),
        ];
        for (server, expected) in table {
            let found = taken_apart(server);
            assert_eq!(found.as_ref().map(|(tls, host, port)| (*tls, host.as_str(), *port)), expected, "{server}");
        }
    }

    #[test]
    fn only_this_machine_is_this_machine() {
        let here = ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST"];
        assert!(here.into_iter().all(names_this_machine));
        let elsewhere = ["10.0.0.1", "0.0.0.0", "switch.bank", "localhost.bank", "::2"];
        assert!(!elsewhere.into_iter().any(names_this_machine));
    }
}
