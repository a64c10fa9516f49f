//! A switch whose terminals and host have keys, and who plays them: each with what it knows, right or wrong.
#![allow(dead_code, reason = "each test program uses its own part")]

use hsm::Key;
use hsm::ops::Role;
use sekisho::sim::keyring::{install, key_named, test_master, write_partner};
use sekisho::sim::question::{
    Place, as_stamped, card, question, reference_number, reported, stamp, taken_back,
};
use sekisho::sim::secrets::Secrets;
use sekisho::sim::speech::Speech;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use stories::{Daemon, LinkSetup, Scratch, Setup, free_address};
use terms::{Amount, Answer, BusinessDate, Class, Code, Kind, LocalTime, Noun, Outcome, Stan, Txn};

pub(crate) const TERMINAL: &str = "ATM00001";

/// What a partner knows: its algorithm, the key of its codes, that of its PINs.
pub(crate) fn partner(name: &str, mac: &str, pin: &str) -> Speech {
    partner_by(name, "x919", mac, pin)
}

/// The same by another algorithm.
pub(crate) fn partner_by(name: &str, algorithm: &str, mac: &str, pin: &str) -> Speech {
    let scratch = Scratch::new();
    let path = scratch.path().join("keys.toml");
    write_partner(&path, algorithm, &key_named(mac), Some(&key_named(pin))).expect("room for a test");
    Speech::named(name, Some("ascii4")).and_then(|speech| speech.with_keys(Some(&path))).expect("keys")
}

/// The terminal's side, as agreed.
pub(crate) fn terminals_side() -> Speech {
    partner("iso87-ascii", "a terminal's TAK", "its TPK")
}

/// The host's side, as agreed.
pub(crate) fn hosts_side() -> Speech {
    partner("iso87-ascii", "the host's ZAK", "the host's ZPK")
}

/// A host that hands every request it can read to a rule; `None` is silence.
pub(crate) struct PlayedHost {
    pub(crate) address: SocketAddr,
    /// Everything it was sent, as it came.
    pub(crate) heard: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl PlayedHost {
    pub(crate) fn new(act: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self::at(TcpListener::bind("127.0.0.1:0").expect("a free port"), act)
    }

    fn at(listener: TcpListener, act: impl Fn(&[u8]) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().expect("it is bound");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let (act, hears) = (Arc::new(act), heard.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (act, hears) = (act.clone(), hears.clone());
                std::thread::spawn(move || serve(stream, &*act, &hears));
            }
        });
        Self { address, heard }
    }

    /// As agreed: it verifies, opens the PIN, and answers with its code.
    pub(crate) fn honest() -> Self {
        Self::answering(hosts_side(), hosts_side())
    }

    /// It takes what is right under one set of keys, and answers under another.
    pub(crate) fn answering(hears: Speech, says: Speech) -> Self {
        Self::answering_at(SocketAddr::from(([127, 0, 0, 1], 0)), hears, says)
    }

    /// The same where it is expected.
    pub(crate) fn answering_at(address: SocketAddr, hears: Speech, says: Speech) -> Self {
        Self::at(TcpListener::bind(address).expect("a free port"), move |body| {
            let request = hears.read(body, today()).ok().filter(|request| request.message.asks())?;
            let secrets = hears.secrets.as_ref().expect("it has some");
            let code = if secrets.pin_is_right(&request) { Code::Approved } else { Code::WrongPin };
            let mut out = Vec::new();
            says.write_answer(&request, &Answer::ours(code, code.outcome()), &mut out)
                .expect("it can be said");
            Some(out)
        })
    }

    pub(crate) fn heard(&self) -> Vec<Vec<u8>> {
        self.heard.lock().expect("nobody panics with it").clone()
    }

    /// Types of what it was sent, such as `0200`.
    pub(crate) fn types(&self) -> Vec<String> {
        self.heard().iter().map(|body| String::from_utf8_lossy(&body[..4]).into_owned()).collect()
    }
}

fn serve(mut stream: TcpStream, act: &dyn Fn(&[u8]) -> Option<Vec<u8>>, heard: &Mutex<Vec<Vec<u8>>>) {
    while let Some(body) = read_frame(&mut stream) {
        heard.lock().expect("nobody panics with it").push(body.clone());
        if let Some(answer) = act(&body) {
            write_frame(&mut stream, &answer);
        }
    }
}

pub(crate) fn read_frame(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let length: usize = std::str::from_utf8(&length).ok()?.parse().ok()?;
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

pub(crate) fn write_frame(stream: &mut TcpStream, body: &[u8]) {
    let _ = stream.write_all(&[format!("{:04}", body.len()).as_bytes(), body].concat());
}

/// Which modules a switch has.
pub(crate) enum With<'m> {
    Software,
    Devices(&'m [&'m Module]),
}

/// A module as a process of its own, killed when dropped.
pub(crate) struct Module {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) lmk_check: String,
}

impl Module {
    pub(crate) fn simulated(words: &[&str]) -> Self {
        Self::simulated_at(SocketAddr::from(([127, 0, 0, 1], 0)), words)
    }

    pub(crate) fn simulated_at(address: SocketAddr, words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(["sim", "hsm", "--listen", &address.to_string()]).args(words);
        let (child, line) = begun(command);
        let address = line.trim().rsplit(' ').next().and_then(|word| word.parse().ok());
        Self { child, address: address.unwrap_or_else(|| panic!("{line}")), lmk_check: test_master().1 }
    }

    /// It is gone.
    pub(crate) fn die(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// It stands still, its lines open.
    pub(crate) fn stop(&self) {
        stories::send_signal(self.child.id(), "STOP");
    }

    pub(crate) fn go_on(&self) {
        stories::send_signal(self.child.id(), "CONT");
    }

    /// The independent one; `None` where it, or what it needs, is not there.
    pub(crate) fn independent() -> Option<Self> {
        let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let script = script.join("../../../shared/tools/peer_hsm/peer_hsm.py");
        if !script.is_file() {
            println!("skipped: ../shared/tools/peer_hsm not found beside the repository");
            return None;
        }
        let has_crypto = |python: &String| {
            let words = ["-c", "import Crypto.Cipher.DES3"];
            Command::new(python).args(words).stderr(Stdio::null()).status().is_ok_and(|ended| ended.success())
        };
        let chosen = std::env::var("SEKISHO_PYTHON").into_iter();
        let Some(python) = chosen.chain(["python3".into()]).find(has_crypto) else {
            println!("skipped: no python3 with pycryptodome; SEKISHO_PYTHON names one");
            return None;
        };
        (0..5).find_map(|_| {
            let address = free_address();
            let mut command = Command::new(&python);
            command.arg("-B").arg(&script).arg(address.port().to_string()).arg("4").stderr(Stdio::null());
            let (child, line) = begun(command);
            let module = Self { child, address, lmk_check: "0".repeat(16) };
            line.starts_with("ready").then_some(module)
        })
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        // One that was stopped has to go on to die.
        let id = self.child.id().to_string();
        let _ = Command::new("kill").args(["-CONT", &id]).stderr(Stdio::null()).status();
        self.die();
    }
}

fn begun(mut command: Command) -> (Child, String) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it can be begun");
    let mut line = String::new();
    let out = child.stdout.take().expect("piped");
    BufReader::new(out).read_line(&mut line).expect("it says where it listens");
    (child, line)
}

/// The usual set-up: each terminal has its keys, the host has its own.
pub(crate) fn setup(host: &PlayedHost, with: &With<'_>) -> Setup {
    let link = LinkSetup {
        name: "core",
        dial: host.address,
        dialect: "iso87-ascii",
        reply_timeout_ms: 1_500,
        in_flight_max: 4_096,
        more: "framing = \"ascii4\"\nbreaker = { unanswered_percent = 0 }\n\
               forward = { repeat_ms = 300, reply_timeout_ms = 1000 }\n\
               security = { mac = \"x919\", pin_format = 0 }\n"
            .into(),
    };
    let mut setup = Setup::with_links(vec![link]);
    setup.listeners_more =
        "framing = \"ascii4\"\nsecurity = { keys = \"terminal\", mac = \"x919\", pin_format = 0 }\n".into();
    setup.tables_more = modules(with);
    let check = match with {
        With::Software | With::Devices([]) => test_master().1,
        With::Devices([first, ..]) => first.lmk_check.clone(),
    };
    install_keys(&setup, &check);
    setup
}

/// The tables of the configuration.
pub(crate) fn modules(with: &With<'_>) -> String {
    let mut tables = String::from(
        "[security]\nallow_test_lmk = true\ncommand_timeout_ms = 300\ngive_up_ms = 1000\ntest_every_ms = 500\n\
         back_off_ms = 200\nback_off_max_ms = 500\n\n",
    );
    match with {
        With::Software => tables += "[[hsm]]\nname = \"soft\"\nsoftware = \"public-test\"\n",
        With::Devices(devices) => {
            for (at, device) in devices.iter().enumerate() {
                let (id, _) = test_master();
                tables += &format!(
                    "[[hsm]]\nname = \"hsm-{}\"\naddress = \"{}\"\nlmk = \"{id}\"\nlmk_check = \"{}\"\n\
                     reconnect_ms = 50\n\n",
                    at + 1,
                    device.address,
                    device.lmk_check
                );
            }
        }
    }
    tables
}

/// The keys both sides agreed on.
fn install_keys(setup: &Setup, lmk_check: &str) {
    let terminal = format!("terminal/{TERMINAL}");
    let keys: [(&str, Role, Key); 4] = [
        (&terminal, Role::Tak, key_named("a terminal's TAK")),
        (&terminal, Role::Tpk, key_named("its TPK")),
        ("link/core", Role::Zak, key_named("the host's ZAK")),
        ("link/core", Role::Zpk, key_named("the host's ZPK")),
    ];
    let keys: Vec<(&str, Role, &Key)> = keys.iter().map(|(owner, role, key)| (*owner, *role, key)).collect();
    install(&setup.data.join("keys"), lmk_check, 60_000, &keys).expect("the store takes them");
}

/// Puts keys into force; the ones before are taken for so many milliseconds.
pub(crate) fn install_under(setup: &Setup, keys: &[(&str, Role, &Key)], overlap_ms: u32) {
    install(&setup.data.join("keys"), &test_master().1, overlap_ms, keys).expect("the store takes them");
}

/// A terminal at its line.
pub(crate) struct PlayedTerminal {
    stream: TcpStream,
    pub(crate) speech: Speech,
    place: Place,
    stan: Stan,
}

impl PlayedTerminal {
    pub(crate) fn at(daemon: &Daemon, speech: Speech) -> Self {
        Self::on(daemon.listener("acquirer"), speech)
    }

    pub(crate) fn on(address: SocketAddr, speech: Speech) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a time to wait");
        stream.set_nodelay(true).expect("it can be set");
        Self { stream, speech, place: Place::numbered("ATM", 1), stan: Stan(0) }
    }

    /// The same terminal on another line, with trace numbers of its own.
    pub(crate) fn counting_from(self, stan: u32) -> Self {
        Self { stan: Stan(stan), ..self }
    }

    /// A withdrawal with its PIN, as this terminal's keys have it.
    pub(crate) fn withdrawal(&mut self) -> Txn {
        self.question(Kind::Withdrawal)
    }

    pub(crate) fn question(&mut self, kind: Kind) -> Txn {
        self.stan = self.stan.next();
        let at = local_time();
        let mut txn =
            question(kind, &card("411111", u64::from(self.stan.0)), Amount::minor(30_000), &self.place);
        stamp(&mut txn, self.stan, reference_number(at, self.stan), at);
        self.secrets().put_pin(&mut txn);
        txn
    }

    pub(crate) fn secrets(&self) -> Arc<Secrets> {
        self.speech.secrets.clone().expect("it has some")
    }

    /// A request as bytes, its code at the end.
    pub(crate) fn written(&self, txn: &Txn) -> Vec<u8> {
        let mut body = Vec::new();
        self.speech.write_request(txn, &as_stamped(txn, false), &mut body).expect("it can be said");
        body
    }

    /// Takes a withdrawal back, whole.
    pub(crate) fn taken_back(&mut self, txn: &Txn) -> Txn {
        self.stan = self.stan.next();
        taken_back(txn, Amount::default(), self.stan, local_time())
    }

    pub(crate) fn reported(txn: &Txn) -> Txn {
        reported(txn)
    }

    pub(crate) fn send(&mut self, body: &[u8]) {
        write_frame(&mut self.stream, body);
    }

    /// What it is told, believed only with its code.
    pub(crate) fn hears(&mut self) -> Txn {
        let body = read_frame(&mut self.stream).expect("an answer in time");
        self.speech.read(&body, today()).expect("an answer with its code")
    }

    /// What it is told, whether it has a code or not; and whether it has.
    pub(crate) fn hears_anything(&mut self) -> (Txn, bool) {
        let body = read_frame(&mut self.stream).expect("an answer in time");
        let covered = self.speech.dialect.covered(&body).expect("a message");
        (self.speech.dialect.read(&body, today()).expect("a message"), covered.code.is_some())
    }

    pub(crate) fn asks(&mut self, txn: &Txn) -> Txn {
        let body = self.written(txn);
        self.send(&body);
        self.hears()
    }

    /// A withdrawal from beginning to end.
    pub(crate) fn withdraws(&mut self) -> (Code, Outcome) {
        let txn = self.withdrawal();
        let answer = self.asks(&txn);
        (answer.code.expect("an answer has a code"), answer.outcome.expect("and it means something"))
    }
}

pub(crate) fn local_time() -> LocalTime {
    clock::Clock::in_system_zone().unwrap_or_else(|_| clock::Clock::with_offset_s(0)).now().local()
}

pub(crate) fn today() -> BusinessDate {
    local_time().date
}

/// What a terminal reads where the switch means this: several codes may have one word.
pub(crate) fn as_told(code: Code) -> Code {
    let speech = terminals_side();
    let request =
        question(Kind::Withdrawal, &card("411111", 1), Amount::minor(1), &Place::numbered("ATM", 1));
    let mut request = request;
    stamp(&mut request, Stan(1), reference_number(local_time(), Stan(1)), local_time());
    let mut body = Vec::new();
    let answer = Answer::ours(code, Outcome::NotSent);
    speech.dialect.write_answer(&request, &answer, &mut body).expect("it can be said");
    speech.dialect.read(&body, today()).expect("its own words").code.expect("a code")
}

/// Whether a message of this type is one of those.
pub(crate) fn is_reversal(body: &[u8]) -> bool {
    body.get(1) == Some(&b'4')
}

/// An echo of a terminal.
pub(crate) fn echo(stan: u32) -> Txn {
    let message = terms::MessageType::from_digits([8, 0, 0]).expect("0800");
    Txn {
        network: terms::Network::Echo,
        stan: Stan(stan),
        transmitted_at: terms::Text::clipped(b"1122000000"),
        ..Txn::new(message)
    }
}

/// Some class of a message, for tests that sort them.
pub(crate) fn class_of(txn: &Txn) -> Class {
    txn.message.class
}

/// What security did, as the switch tells it.
pub(crate) fn security(daemon: &Daemon, what: &str) -> u64 {
    daemon.status()["hsm"]["security"][what].as_u64().expect("a count")
}

/// The state of a module, as the switch tells it.
pub(crate) fn state_of(daemon: &Daemon, name: &str) -> String {
    let status = daemon.status();
    let modules = status["hsm"]["data"].as_array().expect("a list");
    let found = modules.iter().find(|module| module["name"] == name).expect("it is configured");
    found["state"].as_str().expect("text").to_owned()
}

/// Waits until a module is in that state.
pub(crate) fn wait_for_state(daemon: &Daemon, name: &str, state: &str) {
    stories::wait_for(&format!("{name} to be {state}"), || (state_of(daemon, name) == state).then_some(()));
}

/// A noun of a request that came.
pub(crate) fn carried(speech: &Speech, body: &[u8], noun: Noun) -> Option<Vec<u8>> {
    let txn = speech.dialect.read(body, today()).expect("a message");
    txn.carried.get(noun).map(<[u8]>::to_vec)
}
