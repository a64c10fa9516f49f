//! TLS on both ends, with certificates made for the occasion.

use crate::stage::*;
use net::{ConnectError, DialConfig, LinkState, Net, NetError, TlsClient, TlsError, TlsServer};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;
use terms::LinkId;

/// A folder of PEM files that is gone with it.
struct Papers(PathBuf);

impl Papers {
    /// An authority `ca`, and `host` and `client` certified by it; `other` is an authority nobody knows.
    fn new(test: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("net-tls-{}-{test}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder can be made");
        let papers = Self(folder);
        let authority = papers.authority("ca");
        papers.certify("host", &authority);
        papers.certify("client", &authority);
        let stranger = papers.authority("other");
        papers.certify("stranger", &stranger);
        papers
    }

    fn authority(&self, name: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        self.write(&format!("{name}.pem"), &issuer.pem());
        issuer
    }

    fn certify(&self, name: &str, authority: &CertifiedIssuer<'static, KeyPair>) {
        let params = CertificateParams::new(vec!["bank.example".to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, authority).expect("a certificate");
        self.write(&format!("{name}.pem"), &certificate.pem());
        self.write(&format!("{name}.key"), &key.serialize_pem());
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file can be written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn server(&self, clients_of: Option<&str>) -> TlsServer {
        let client_authorities = clients_of.map(|name| self.path(&format!("{name}.pem")));
        TlsServer { certificate: self.path("host.pem"), key: self.path("host.key"), client_authorities }
    }

    fn client(&self, authority: &str, identity: Option<&str>) -> TlsClient {
        TlsClient {
            authorities: self.path(&format!("{authority}.pem")),
            server_name: "bank.example".to_owned(),
            identity: identity
                .map(|name| (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")))),
        }
    }
}

impl Drop for Papers {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// One echoing listener and one link to it.
struct Pair {
    listening: net::Listening,
    link: net::LinkHandle,
    ours: Rc<Scribe>,
}

fn pair(net: &Net, server: TlsServer, client: TlsClient) -> Pair {
    let mut config = persistent();
    config.tls = Some(server);
    let listening = listen(net, config, &Scribe::echoing());
    let address = listening.local_addr().to_string();
    let mut config = DialConfig::new(name("host"), LinkId(0), address, ascii4());
    (config.tls, config.reconnect_ms) = (Some(client), 3_600_000);
    let ours = Scribe::silent();
    let link = net.dial(config, ours.clone()).expect("the files are in order");
    Pair { listening, link, ours }
}

async fn failure(link: &net::LinkHandle) -> ConnectError {
    loop {
        if let [LinkState::Failed(error)] = &link.states()[..] {
            return error.clone();
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[test]
fn frames_go_both_ways_under_tls_however_large_the_heap_of_them() {
    let papers = Papers::new("plain");
    on_a_net(async |net| {
        let pair = pair(&net, papers.server(None), papers.client("ca", None));
        pair.ours.opened(1).await;
        let conn = pair.link.next_conn().expect("it stands");
        for number in 0..500 {
            conn.send_bytes(b"", format!("{number:01000}").as_bytes()).expect("below the limit");
        }
        let frames = pair.ours.frames_until(500).await;
        for (number, frame) in frames.iter().enumerate() {
            assert_eq!(frame, format!("{number:01000}").as_bytes());
        }
        conn.close();
        until_counted(pair.listening.counters(), |now| now.closed_peer == 1).await;
    });
}

#[test]
fn a_client_with_the_right_certificate_is_let_in() {
    let papers = Papers::new("mutual");
    on_a_net(async |net| {
        let pair = pair(&net, papers.server(Some("ca")), papers.client("ca", Some("client")));
        pair.ours.opened(1).await;
        pair.link.next_conn().expect("it stands").send_bytes(b"", b"0800").expect("open");
        assert_eq!(pair.ours.frames_until(1).await, [b"0800"]);
    });
}

#[test]
fn a_client_without_a_certificate_or_with_another_authoritys_is_not_let_in() {
    let papers = Papers::new("strangers");
    for identity in [None, Some("stranger")] {
        on_a_net(async |net| {
            let pair = pair(&net, papers.server(Some("ca")), papers.client("ca", identity));
            until_counted(pair.listening.counters(), |now| now.tls_failures == 1).await;
            assert_eq!(pair.listening.counters().snapshot().open, 0);
        });
    }
}

#[test]
fn a_host_of_another_authority_or_name_is_not_spoken_to() {
    let papers = Papers::new("wrong-host");
    let wrong_authority = papers.client("other", None);
    let wrong_name = TlsClient { server_name: "shop.example".to_owned(), ..papers.client("ca", None) };
    for client in [wrong_authority, wrong_name] {
        on_a_net(async |net| {
            let pair = pair(&net, papers.server(None), client);
            let error = failure(&pair.link).await;
            let refused = matches!(error, ConnectError::Tls(rustls::Error::InvalidCertificate(_)));
            assert!(refused, "{error}");
            assert_eq!(pair.ours.conns.borrow().len(), 0);
        });
    }
}

#[test]
fn other_certificates_can_be_offered_while_others_talk() {
    let papers = Papers::new("renewed");
    on_a_net(async |net| {
        let pair = pair(&net, papers.server(None), papers.client("ca", None));
        pair.ours.opened(1).await;
        let missing = TlsServer { key: papers.path("lost.key"), ..papers.server(None) };
        assert!(pair.listening.set_tls(Some(&missing)).is_err());
        pair.listening.set_tls(Some(&papers.server(Some("ca")))).expect("the files are in order");
        pair.link.next_conn().expect("it stands").send_bytes(b"", b"0800").expect("open");
        assert_eq!(pair.ours.frames_until(1).await, [b"0800"]);
        let mut config =
            DialConfig::new(name("second"), LinkId(1), pair.listening.local_addr().to_string(), ascii4());
        config.tls = Some(papers.client("ca", None));
        let _second = net.dial(config, Scribe::silent()).expect("the files are in order");
        until_counted(pair.listening.counters(), |now| now.tls_failures == 1).await;
    });
}

#[test]
fn a_peer_that_leaves_tls_without_a_word_is_noticed() {
    let papers = Papers::new("abrupt");
    on_a_net(async |net| {
        let pair = pair(&net, papers.server(None), papers.client("ca", None));
        pair.ours.opened(1).await;
        let conn = pair.link.next_conn().expect("it stands");
        conn.send_bytes(b"", b"0800").expect("open");
        pair.ours.frames_until(1).await;
        conn.abort();
        let left = |now: &net::Counts| now.closed_peer + now.closed_reset == 1;
        until_counted(pair.listening.counters(), left).await;
    });
}

#[test]
fn a_handshake_that_is_never_finished_times_out() {
    let papers = Papers::new("slow");
    on_a_net(async |net| {
        let mut config = persistent();
        config.tls = Some(papers.server(None));
        config.limits.handshake_timeout_ms = 50;
        let scribe = Scribe::silent();
        let listening = listen(&net, config, &scribe);
        let mut peer = call(&listening).await;
        say(&mut peer, b"\x16\x03\x01").await;
        until_counted(listening.counters(), |now| now.tls_failures == 1).await;
        assert!(scribe.told.borrow().is_empty(), "nobody was told of a connection");
    });
}

#[test]
fn what_is_wrong_with_a_file_is_said_with_its_name() {
    let papers = Papers::new("files");
    papers.write("empty.pem", "");
    papers.write("torn.pem", "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n");
    let config = |certificate: &str, key: &str| TlsServer {
        certificate: papers.path(certificate),
        key: papers.path(key),
        client_authorities: None,
    };
    #[rustfmt::skip]
    let table = [
        // certificate   key           named          what
        ("missing.pem", "host.key",   "missing.pem", "no such file"),
        ("empty.pem",   "host.key",   "empty.pem",   "no certificate in it"),
        ("torn.pem",    "host.key",   "torn.pem",    "not PEM"),
        ("host.pem",    "host.pem",   "host.pem",    "no key in it"),
        ("host.pem",    "client.key", "client.key",  "the key of somebody else"),
    ];
    for (certificate, key, named, what) in table {
        on_a_net(async |net| {
            let mut listener = persistent();
            listener.tls = Some(config(certificate, key));
            let refused = net.listen(listener, Scribe::silent()).err().expect(what);
            assert!(refused.to_string().contains(named), "{what}: {refused}");
            assert!(matches!(refused, NetError::Tls(_)));
        });
    }
}

#[test]
fn a_name_that_is_none_is_refused_before_dialling() {
    let papers = Papers::new("name");
    on_a_net(async |net| {
        let client = TlsClient { server_name: "not a name".to_owned(), ..papers.client("ca", None) };
        let mut config = DialConfig::new(name("host"), LinkId(0), "127.0.0.1:1", ascii4());
        config.tls = Some(client);
        let refused = net.dial(config, Scribe::silent()).err().expect("no such name");
        assert!(matches!(refused, NetError::Tls(TlsError::ServerName { .. })), "{refused}");
    });
}
