//! `[api]`: applications as a source of requests.

use super::TlsListenerToml;
use super::check::check_known;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The name routes know applications by: `listener = "api"`.
pub(crate) const SOURCE: &str = "api";

/// `[api]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiToml {
    /// The link for what no route names.
    pub default_link: Option<String>,
    /// Where callers with a key are let in over TCP; without it there is the control socket alone. Without `tls`
    /// an address of this machine.
    pub listen: Option<SocketAddr>,
    /// The file of their keys (`sekisho api key`), beside this file; without it `api-keys`.
    pub keys: Option<PathBuf>,
    /// TLS 1.2 or later.
    pub tls: Option<TlsListenerToml>,
    /// Connections at once, on the control socket and over TCP each.
    #[serde(default = "ApiToml::connections_max")]
    pub connections_max: u32,
    /// Submissions waiting for their answer at once; the next is refused (503).
    #[serde(default = "ApiToml::waiting_max")]
    pub waiting_max: u32,
    /// Requests a second of one caller; the next is refused (429). 0 for any number.
    #[serde(default)]
    pub requests_per_s_max: u32,
    /// Longest wait for the answer to a submission. Then it is answered as unknown, and goes on. 1_000..=600_000.
    #[serde(default = "ApiToml::answer_timeout_ms")]
    pub answer_timeout_ms: u32,
}

impl ApiToml {
    pub(crate) const fn connections_max() -> u32 {
        16_384
    }

    /// The file of callers' keys.
    pub fn keys_file(&self) -> PathBuf {
        self.keys.clone().unwrap_or_else(|| PathBuf::from("api-keys"))
    }

    const fn waiting_max() -> u32 {
        4_096
    }

    const fn answer_timeout_ms() -> u32 {
        90_000
    }

    /// Certificate and key of the door over TCP, where it has any.
    pub(crate) fn server(&self) -> Option<net::TlsServer> {
        self.tls.as_ref().map(|tls| net::TlsServer {
            certificate: tls.certificate.clone(),
            key: tls.key.clone(),
            client_authorities: tls.client_authorities.clone(),
        })
    }

    pub(super) fn complain(&self, links: &[&str], has_routes: bool, wrong: &mut Vec<String>) {
        match &self.default_link {
            Some(link) => check_known("api", "default_link", link, links, wrong),
            None if !has_routes => {
                wrong.push("api has no default_link and there is no [[route]]: it could only decline".into());
            }
            None => {}
        }
        if !(1_000..=600_000).contains(&self.answer_timeout_ms) {
            let value = self.answer_timeout_ms;
            wrong.push(format!("api: answer_timeout_ms is {value}, not between 1000 and 600000"));
        }
        if self.listen.is_some_and(|address| !address.ip().is_loopback()) && self.tls.is_none() {
            wrong.push(
                "api: listen is an address others reach, and without tls keys and cards go in the clear"
                    .into(),
            );
        }
        if !(1..=262_144).contains(&self.connections_max) {
            wrong.push(format!("api: connections_max is {}, not between 1 and 262144", self.connections_max));
        }
        if !(1..=262_144).contains(&self.waiting_max) {
            wrong.push(format!("api: waiting_max is {}, not between 1 and 262144", self.waiting_max));
        }
    }
}
