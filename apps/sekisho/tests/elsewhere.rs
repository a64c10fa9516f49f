//! A switch on another machine: every command given over TCP with a key, as over the socket of this one; and who is
//! not let in, or not believed.

mod typed;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use std::net::SocketAddr;
use std::path::PathBuf;
use stories::*;
use terms::{Class, Code};
use typed::{Said, sekisho, sekisho_where};

/// A switch that lets callers in over TCP, with a link that signs on by order.
struct Elsewhere {
    setup: Setup,
    address: SocketAddr,
    scheme: &'static str,
}

impl Elsewhere {
    fn with(host: &Host, more: &str) -> Self {
        let mut setup = Setup::with_host(host);
        let address = free_address();
        setup.links[0].reply_timeout_ms = 300;
        setup.links[0].more = "breaker = { unanswered_percent = 0 }\n\
             forward = { reply_timeout_ms = 300, repeat_ms = 600000 }\n\
             timers = { t800_ms = 400, t801_ms = 400, t802_ms = 300 }\n\
             management = { sign_on = \"by_order\", echo_idle_ms = 0 }"
            .into();
        setup.tables_more = format!("[api]\ndefault_link = \"core\"\nlisten = \"{address}\"\n{more}\n");
        setup.write();
        Self { setup, address, scheme: "http" }
    }

    /// The same over TLS, with a certificate of the authority `ca.pem` for 127.0.0.1.
    fn behind_tls(host: &Host) -> Self {
        let more = "tls = { certificate = \"api.pem\", key = \"api.key\" }";
        let place = Self { scheme: "https", ..Self::with(host, more) };
        let authority = authority("ours");
        place.write("ca.pem", authority.pem().as_bytes());
        place.write("other.pem", self::authority("another").pem().as_bytes());
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &authority).expect("a certificate");
        place.write("api.pem", certificate.pem().as_bytes());
        place.write("api.key", key.serialize_pem().as_bytes());
        place
    }

    fn write(&self, name: &str, contents: &[u8]) -> String {
        let path = self.path(name);
        std::fs::write(&path, contents).expect("the scratch directory can be written");
        path.display().to_string()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.setup.scratch.path().join(name)
    }

    /// A file with a new key in it.
    fn key_file(&self, name: &str, role: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let config = self.setup.config_path().display().to_string();
        let made = sekisho(&["api", "key", "new", name, "--role", role, "--config", &config]).ends(0);
        let file = self.write(&format!("{name}.key"), made.out.as_bytes());
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
        file
    }

    fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// Over the socket of this machine.
    fn here(&self, words: &[&str]) -> Said {
        let config = self.setup.config_path().display().to_string();
        sekisho(&[words, &["--config", &config]].concat())
    }
}

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a certificate")
}

/// A host that answers what is about the network, and no business: there is something owed after a withdrawal.
fn host_that_owes_answers() -> Host {
    let host = Host::speaking("iso87-ascii", |txn| match txn.message.class {
        Class::Network => Act::Answer,
        _ => Act::Silence,
    });
    host.acts_when_owed(|_| Act::Silence);
    host
}

/// What a command said, less what no two moments and no two ways have in common: numbers, and where the switch is.
fn alike(said: &Said, ways: &[&str]) -> (i32, String, String) {
    let text = |text: &str| {
        let text = ways.iter().fold(text.to_owned(), |text, way| text.replace(way, "WAY"));
        let mut plain = String::new();
        for letter in text.chars() {
            let letter = if letter.is_ascii_digit() || letter == '.' { '9' } else { letter };
            if !(plain.ends_with(letter) && (letter == '9' || letter == ' ')) {
                plain.push(letter);
            }
        }
        plain
    };
    (said.code, text(&said.out), text(&said.err))
}

/// Commands, each with how it ends. Those that belong together come back to where they began.
#[rustfmt::skip]
const COMMANDS: &[&[(i32, &[&str])]] = &[
    &[(0, &["status"])],
    &[(0, &["link", "ls"])],
    &[(0, &["link", "show", "core"])],
    &[(5, &["link", "show", "nobody"])],
    &[(0, &["link", "lines", "core", "--json"])],
    &[(0, &["link", "sessions"])],
    &[(0, &["link", "watch", "core", "--most", "1"])],
    &[(0, &["link", "watch", "core", "--most", "2", "--json"])],
    &[(0, &["link", "echo", "core"])],
    &[
        (0, &["link", "drain", "core"]),
        (0, &["link", "drain", "core"]),
        (5, &["link", "echo", "nobody", "core"]),
        (0, &["link", "ready", "core"]),
    ],
    &[
        (0, &["link", "sign-off", "core"]),
        (6, &["cutover", "start", "core"]),
        (0, &["link", "maint", "core"]),
        (6, &["link", "sign-on", "core"]),
        (0, &["link", "ready", "core"]),
        (0, &["link", "sign-on", "core"]),
    ],
    &[(5, &["link", "cut", "core", "7"])],
    &[(0, &["cutover", "status"])],
    &[(0, &["cutover", "plan", "--json"])],
    &[(6, &["cutover", "start", "own"])],
    &[(0, &["recon", "status"])],
    &[(6, &["recon", "run", "core", "2026-11-22"])],
    &[(5, &["recon", "run", "nobody", "2026-11-22"])],
    &[(0, &["recovery"])],
    &[(0, &["recovery", "--plan"])],
    &[(6, &["recovery", "run"])],
    &[(0, &["saf", "ls"])],
    &[(0, &["saf", "ls", "--json"])],
    &[
        (0, &["saf", "hold", "1", "--reason", "CHG-1"]),
        (6, &["saf", "retry", "1", "--reason", "CHG-1"]),
        (0, &["saf", "release", "1", "--reason", "CHG-1"]),
    ],
    &[(5, &["saf", "hold", "77", "--reason", "CHG-1"])],
    &[(0, &["hsm", "ls"])],
    &[(0, &["hsm", "status", "--json"])],
    &[(5, &["hsm", "test", "nobody"])],
    &[(5, &["key", "exchange", "link/core", "--reason", "CHG-1"])],
    &[(0, &["wait", "link", "core", "--for", "signed-on"])],
    &[(0, &["wait", "switch", "--for", "running"])],
    &[(7, &["wait", "switch", "--for", "stopped", "--timeout", "0"])],
    &[(0, &["wait", "recovery"])],
    &[(7, &["wait", "saf", "--timeout", "0"])],
    &[(0, &["check", "alive"])],
    &[(0, &["check", "ready", "--format", "nagios"])],
    &[(0, &["check", "link", "core", "--format", "json"])],
    &[(1, &["check", "saf", "--warn", "1"])],
    &[(0, &["check", "recovery"])],
    &[(6, &["stop"])],
];

/// The night's one owed message, and a link that is signed on.
fn something_is_owed(place: &Elsewhere, daemon: &Daemon) {
    place.here(&["link", "sign-on", "core"]).ends(0);
    let answer = Client::of(daemon, "acquirer").ask(&Terminal::named("TERM0001").withdraws(30_000));
    assert_eq!(answer.code, Some(Code::NoAnswer));
    wait_for("the first attempt to fail", || {
        let listed = place.here(&["saf", "ls", "--json"]).ends(0).json();
        (listed["data"][0]["state"] == "due" && listed["data"][0]["attempts"] == 1).then_some(())
    });
}

/// Every command both ways: the same answer, the same words about what went wrong, the same code.
fn says_the_same_both_ways(place: &Elsewhere, there: &[&str]) {
    let socket = place.setup.data.join("control.sock").display().to_string();
    let (near_words, far_words) = (format!("--socket {socket}"), there.join(" "));
    let url = place.url();
    let config_words = format!("--config {}", place.setup.config_path().display());
    let ways = [&*far_words, &*config_words, &*near_words, &*url, &*socket];
    let anybody = |said: &Said| {
        let said = format!("{:?}", alike(said, &ways));
        said.replace("tester", "WHO").replace("chief", "WHO")
    };
    for together in COMMANDS {
        let near = together.iter().map(|(code, words)| anybody(&place.here(words).ends(*code)));
        let near: Vec<_> = near.collect();
        let over =
            together.iter().map(|(code, words)| anybody(&sekisho(&[words, there].concat()).ends(*code)));
        assert_eq!(near, over.collect::<Vec<_>>(), "{together:?}");
    }
}

#[test]
fn every_command_says_the_same_over_tcp_as_over_the_socket_and_ends_alike() {
    let host = host_that_owes_answers();
    let place = Elsewhere::with(&host, "");
    let (url, key) = (place.url(), place.key_file("chief", "operator"));
    let there = ["--server", &url, "--key-file", &key];
    let over = |words: &[&str]| sekisho(&[words, &there].concat());
    let daemon = place.setup.start();
    something_is_owed(&place, &daemon);
    says_the_same_both_ways(&place, &there);
    // What an order leaves behind bears the name of the key.
    let story = place.here(&["link", "show", "core"]).ends(0).out;
    assert!(story.contains("by chief") && story.contains("by tester"), "{story}");
    let shown = over(&["saf", "show", "1"]).ends(0);
    assert!(shown.out.contains("a reversal to core") && shown.err.contains("on its machine"), "{shown:?}");
    let examined = over(&["doctor"]).ends(0);
    assert!(examined.out.contains("core: signed-on") && !examined.out.contains("cores,"), "{examined:?}");
    assert_eq!(over(&["stop", "--sign-off"]).ends(0).out, "stopped in order\n");
    let gone = over(&["status"]).ends(3);
    assert!(gone.err.contains("SYS1001-E") && gone.err.contains("does its [api] listen there?"), "{gone:?}");
    over(&["wait", "switch", "--for", "stopped"]).ends(0);
    let alive = over(&["check", "alive", "--format", "nagios"]).ends(2);
    assert!(alive.out.starts_with("ALIVE CRITICAL - no switch answers on http://"), "{alive:?}");
}

#[test]
fn over_tls_a_switch_is_believed_by_its_certificate_and_by_nothing_else() {
    let host = host_that_owes_answers();
    let place = Elsewhere::behind_tls(&host);
    let (url, key) = (place.url(), place.key_file("chief", "operator"));
    let (ours, other) =
        (place.path("ca.pem").display().to_string(), place.path("other.pem").display().to_string());
    let _daemon = place.setup.start();
    let over = |more: &[&str], words: &[&str]| {
        sekisho(&[words, &["--server", &url, "--key-file", &key], more].concat())
    };
    assert_eq!(
        over(&["--ca-file", &ours], &["link", "sign-on", "core"]).ends(0).out,
        "link/core signed-on\n"
    );
    over(&["--ca-file", &ours], &["link", "watch", "core", "--most", "3"]).ends(0);
    for authorities in [&["--ca-file", &other][..], &[]] {
        let refused = over(authorities, &["link", "sign-off", "core"]).ends(3);
        let (trusted, next) =
            ("is not to be trusted: invalid peer certificate", "next    name the authority");
        for word in ["SYS1006-E", trusted, "state   nothing was changed", next] {
            assert!(refused.err.contains(word), "{word}: {refused:?}");
        }
    }
    let by_another_name = url.replace("127.0.0.1", "localhost");
    let words = ["status", "--server", &by_another_name, "--key-file", &key, "--ca-file", &ours];
    assert!(sekisho(&words).ends(3).err.contains("SYS1006-E"));
    // A plain question to a switch that wants TLS is answered by nobody.
    let plain = url.replace("https", "http");
    sekisho(&["status", "--server", &plain, "--key-file", &key]).ends(3);
    let shown = place.here(&["link", "show", "core"]).ends(0).out;
    assert!(shown.contains("signed-on"), "what was refused changed nothing: {shown}");
}

#[test]
fn whoever_may_not_is_told_why_and_what_to_type_and_nothing_is_done() {
    let host = host_that_owes_answers();
    let place = Elsewhere::with(&host, "");
    let url = place.url();
    let (chief, till) = (place.key_file("chief", "operator"), place.key_file("till", "application"));
    let stranger = place.write("stranger.key", b"sk_nobody_ever_made_this_one\n");
    let (shown, empty) = (place.write("shown.key", b"sk_x"), place.write("empty.key", b"not a key\n"));
    for (file, mode) in [(&stranger, 0o600), (&shown, 0o644), (&empty, 0o600)] {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).expect("it is ours");
    }
    let _daemon = place.setup.start();
    place.here(&["link", "sign-on", "core"]).ends(0);
    let elsewhere = "http://192.0.2.1:8582";
    #[rustfmt::skip]
    let table: &[(u8, &str, &[&str])] = &[
        (4,  "SYS1007-E", &["--server", &url, "--key-file", &stranger]),
        (4,  "SYS1008-E", &["--server", &url, "--key-file", &till]),
        (4,  "SYS1008-E", &["--server", &url, "--key-file", &chief, "--by", "somebody"]),
        (2,  "SYS1009-E", &["--server", &url]),
        (2,  "SYS1009-E", &["--key-file", &chief]),
        (2,  "SYS1009-E", &["--server", "https://chief:secret@switch:1", "--key-file", &chief]),
        (2,  "without TLS the key would go in the clear", &["--server", elsewhere, "--key-file", &chief]),
        (78, "chmod 600", &["--server", &url, "--key-file", &shown]),
        (78, "holds no key", &["--server", &url, "--key-file", &empty]),
        (78, "SYS1009-E", &["--server", &url, "--key-file", "/nowhere/key"]),
        (78, "SYS1009-E", &["--server", "https://127.0.0.1:1", "--key-file", &chief, "--ca-file", "/nowhere/ca.pem"]),
        (2,  "cannot be used with", &["--server", &url, "--socket", "x"]),
    ];
    for (code, word, way) in table {
        for order in [&["link", "drain", "core"][..], &["stop", "--sign-off"]] {
            let said = sekisho(&[order, way].concat()).ends(i32::from(*code));
            assert!(said.err.contains(word) && !said.err.contains("sk_nobody"), "{word}: {said:?}");
        }
    }
    // Looking needs an operator's key as much as an order does.
    sekisho(&["link", "ls", "--server", &url, "--key-file", &till]).ends(4);
    sekisho(&["saf", "hold", "1", "--reason", "x", "--server", &url, "--key-file", &till]).ends(4);
    sekisho(&["key", "exchange", "link/core", "--reason", "x", "--server", &url, "--key-file", &till])
        .ends(4);
    let unknown = sekisho(&["check", "alive", "--server", &url, "--key-file", &stranger]).ends(3);
    assert!(unknown.out.contains("does not know this key"), "{unknown:?}");
    let said = place.here(&["link", "show", "core"]).ends(0).out;
    assert!(said.contains("signed-on") && !said.contains("drain"), "{said}");
}

#[test]
fn the_environment_and_contexts_name_a_switch_and_files_of_this_machine_are_not_mistaken_for_its_own() {
    let host = host_that_owes_answers();
    let place = Elsewhere::behind_tls(&host);
    let (url, key) = (place.url(), place.key_file("chief", "operator"));
    let authority = place.path("ca.pem").display().to_string();
    let contexts = place.write(
        "contexts.toml",
        format!("[tokyo]\nserver = \"{url}\"\nkey_file = \"chief.key\"\nca_file = \"ca.pem\"\n").as_bytes(),
    );
    let _daemon = place.setup.start();
    let variables =
        [("SEKISHO_SERVER", &*url), ("SEKISHO_KEY_FILE", &*key), ("SEKISHO_CA_FILE", &*authority)];
    let named = [("SEKISHO_CONTEXTS", &*contexts), ("SEKISHO_CONTEXT", "tokyo")];
    for environment in [&variables[..], &named] {
        assert!(sekisho_where(environment, &["link", "ls"]).ends(0).out.contains("core"));
        // What reads a journal would show that of another switch.
        for words in [
            &["txn", "ls"][..],
            &["journal", "ls"],
            &["recon", "show"],
            &["saf", "ls", "--local"],
            &["saf", "ls", "--exceptions"],
            &["cutover", "history"],
        ] {
            let said = sekisho_where(environment, words).ends(2);
            assert!(
                said.err.contains("SYS1010-E") && said.err.contains("on another machine"),
                "{words:?} {said:?}"
            );
        }
        let data = place.setup.data.display().to_string();
        sekisho_where(environment, &["journal", "ls", &data]).ends(0);
        // What is typed goes before what the environment says.
        sekisho_where(environment, &["link", "ls", "--data", &data]).ends(0);
        sekisho_where(environment, &["link", "ls", "--data", "/nowhere"]).ends(3);
        let said = sekisho_where(environment, &["check", "disk"]).ends(3);
        assert!(said.out.contains("its disk is where"), "{said:?}");
    }
    let near = sekisho_where(&named[..1], &["link", "ls", "--context", "tokio"]).ends(78);
    assert!(near.err.contains("SYS1011-E") && near.err.contains("tokyo"), "{near:?}");
    sekisho_where(&named[..1], &["link", "ls", "--context", "tokyo"]).ends(0);
    let socket = format!("unix:{}", place.setup.data.join("control.sock").display());
    sekisho_where(&[("SEKISHO_SERVER", &socket)], &["link", "ls"]).ends(0);
    sekisho(&["link", "ls", "--server", &socket]).ends(0);
}
