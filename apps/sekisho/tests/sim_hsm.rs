//! The payShield codec over TCP: against `sekisho sim hsm`, and against an independent module written in Python, where
//! the workspace has it beside the repository. The same story is told to both.

use hsm::Cipher;
use hsm::lmk::Scheme;
use hsm::mac::{Algorithm, Padding};
use hsm::ops::{Answer, Fault, Form, MacData, NewKey, PinSide, Request, Role, StoredKey};
use hsm::payshield::{Client, Keeping, Unusable};
use hsm::pin::Format;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use terms::{Pan, Sealed};

/// A module as a process of its own, killed when dropped.
struct Module {
    child: Child,
    address: String,
}

impl Module {
    fn simulated(words: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sekisho"));
        command.args(["sim", "hsm", "--listen", "127.0.0.1:0"]).args(words);
        let (child, line) = begun(command);
        let address = line.trim().rsplit(' ').next().expect("a last word").to_owned();
        Self { child, address }
    }

    /// The independent one; `None` where it, or what it needs, is not there.
    fn independent() -> Option<Self> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/tools/peer_hsm/peer_hsm.py");
        let python = python()?;
        if !script.is_file() {
            println!("skipped: ../shared/tools/peer_hsm not found beside the repository");
            return None;
        }
        // Another process may take the port first, so a few are tried.
        (0..5).find_map(|_| {
            let port = stories::free_address().port();
            let mut command = Command::new(&python);
            command.arg("-B").arg(&script).arg(port.to_string()).arg("4").stderr(Stdio::null());
            let (child, line) = begun(command);
            let module = Self { child, address: format!("127.0.0.1:{port}") };
            line.starts_with("ready").then_some(module)
        })
    }

    fn link(&self, keeping: Keeping) -> Link {
        let stream = TcpStream::connect(&self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time to wait");
        stream.set_nodelay(true).expect("it can be set");
        Link { stream, client: Client { keeping, older_terminal_keys: false }, number: 0 }
    }
}

impl Drop for Module {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn begun(mut command: Command) -> (Child, String) {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("it starts");
    let mut out = BufReader::new(child.stdout.take().expect("its output is piped"));
    let mut line = String::new();
    out.read_line(&mut line).expect("it says a line, or ends");
    // What it says later is read, so that it never waits for us.
    std::thread::spawn(move || std::io::copy(&mut out, &mut std::io::sink()));
    (child, line)
}

/// A Python with the ciphers the independent module needs: the one named, or one in a virtual environment that was
/// made for this once.
fn python() -> Option<PathBuf> {
    let named = std::env::var_os("SEKISHO_PYTHON").map(PathBuf::from);
    let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join("../differential-venv/bin/python");
    let has_ciphers = |python: &PathBuf| {
        let tried = Command::new(python).args(["-c", "import Crypto.Cipher"]).stderr(Stdio::null()).status();
        tried.is_ok_and(|status| status.success())
    };
    let found = named.into_iter().chain([made, PathBuf::from("python3")]).find(has_ciphers);
    if found.is_none() {
        println!("skipped: no Python with pycryptodome (name one in SEKISHO_PYTHON)");
    }
    found
}

/// A host's link to a module: one command, one answer.
struct Link {
    stream: TcpStream,
    client: Client,
    number: u16,
}

impl Link {
    fn try_ask(&mut self, request: &Request) -> Result<Result<Answer, Fault>, Unusable> {
        self.number += 1;
        let header = format!("{:04}", self.number);
        let command = self.client.encode(request, header.as_bytes()).expect("a command of the family");
        self.send(&command);
        let answer = self.heard().expect("an answer");
        self.client.decode(request, header.as_bytes(), &answer)
    }

    fn ask(&mut self, request: &Request) -> Result<Answer, Fault> {
        self.try_ask(request).unwrap_or_else(|unusable| panic!("{}: {unusable}", request.name()))
    }

    fn send(&mut self, command: &[u8]) {
        let length = (command.len() as u16).to_be_bytes();
        self.stream.write_all(&[&length, command].concat()).expect("it takes commands");
    }

    fn heard(&mut self) -> std::io::Result<Vec<u8>> {
        let mut length = [0; 2];
        self.stream.read_exact(&mut length)?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        self.stream.read_exact(&mut answer)?;
        Ok(answer)
    }

    fn made(&mut self, key: NewKey) -> StoredKey {
        match self.ask(&Request::Generate { key, under: None }) {
            Ok(Answer::Generated { key, .. }) => key,
            other => panic!("{other:?}"),
        }
    }
}

fn side(key: &StoredKey, format: Format) -> PinSide {
    PinSide { key: key.clone(), format, pan: Pan::new(b"4111111111111111").expect("digits") }
}

fn mac_data(key: &StoredKey, algorithm: Algorithm, padding: Padding) -> MacData {
    let data = Sealed::new(b"0200\x19 4111111111111111 000000020000".to_vec());
    MacData { key: key.clone(), algorithm, padding, data }
}

/// Keys made, sent out and taken back; MACs made and verified.
fn keys_and_macs(link: &mut Link) {
    let zmk = link.made(NewKey::tdes(Role::Zmk));
    for (role, form) in [
        (Role::Zpk, Form::Scheme(Scheme::U)),
        (Role::Zpk, Form::Scheme(Scheme::X)),
        (Role::Zak, Form::Scheme(Scheme::X)),
    ] {
        let under = Some((zmk.clone(), form));
        let made = link.ask(&Request::Generate { key: NewKey::tdes(role), under });
        let Ok(Answer::Generated { key, wrapped: Some(wrapped), check: Some(check) }) = made else {
            panic!("{role} {form:?}: {made:?}")
        };
        let value = link.ask(&Request::CheckValue { key: key.clone(), method: None });
        assert!(matches!(value, Ok(Answer::CheckValue(all)) if all.agrees_with(&check)), "BU: {value:?}");
        if link.client.keeping == Keeping::Variants {
            let (key, transport) = (NewKey::tdes(role), zmk.clone());
            let taken = link.ask(&Request::Import { key, transport, wrapped, expected: Some(check) });
            assert!(matches!(taken, Ok(Answer::Imported { check: c, .. }) if c == check), "A6: {taken:?}");
            // Keys that came back open what those that stayed have closed.
            let Ok(Answer::Imported { key: twin, .. }) = taken else { unreachable!("looked at above") };
            let value = link.ask(&Request::CheckValue { key: twin, method: None });
            assert!(matches!(value, Ok(Answer::CheckValue(all)) if all.agrees_with(&check)), "{value:?}");
        }
        let left = link.ask(&Request::Export { key, transport: zmk.clone(), form });
        assert!(matches!(left, Ok(Answer::Exported { check: c, .. }) if c == Some(check)), "A8: {left:?}");
    }
    let zak = link.made(NewKey::tdes(Role::Zak));
    for (algorithm, padding) in [
        (Algorithm::Iso1, Padding::Zeros),
        (Algorithm::Iso1, Padding::Bit),
        (Algorithm::X919, Padding::Zeros),
        (Algorithm::Iso3, Padding::Bit),
    ] {
        let data = mac_data(&zak, algorithm, padding);
        let made = link.ask(&Request::MakeMac(data.clone()));
        let Ok(Answer::Mac(mac)) = made else { panic!("M6 {algorithm}: {made:?}") };
        assert_eq!(mac.len(), 8);
        let verify = |mac: &[u8]| Request::VerifyMac { data: data.clone(), mac: mac.to_vec() };
        assert_eq!(link.ask(&verify(&mac)), Ok(Answer::Verified), "M8 {algorithm}");
        assert_eq!(link.ask(&verify(&mac[..4])), Ok(Answer::Verified), "M8 {algorithm}, four bytes");
        assert_eq!(link.ask(&verify(&[mac[0] ^ 1, mac[1], mac[2], mac[3]])), Err(Fault::NotVerified));
    }
    assert_eq!(link.ask(&Request::Echo(b"PING".to_vec())), Ok(Answer::Echoed(b"PING".to_vec())), "B2");
    let status = link.ask(&Request::Status);
    assert!(matches!(&status, Ok(Answer::Status { firmware, .. }) if firmware.len() == 9), "NC: {status:?}");
}

/// A PIN goes from a terminal's key to one of a host, and on to another's, changing its format on the way. The
/// terminal is a key this test knows, under the master key everybody knows.
fn pins(link: &mut Link) {
    let known = |byte: u8| {
        let bytes: [u8; 16] = std::array::from_fn(|at| byte.wrapping_mul(at as u8 + 5));
        hsm::Key::tdes(&bytes).expect("16 bytes").with_parity()
    };
    let stored = |role: Role, key: &hsm::Key| {
        let over = hsm::payshield::test_lmk::variants().key_for(role.key_type());
        let bytes = hsm::lmk::encrypt_under(&over, Scheme::U, key).expect("a key of two parts");
        let digits: String = bytes[..16].iter().map(|byte| format!("{byte:02X}")).collect();
        StoredKey::new(role, format!("U{digits}"))
    };
    let (tpk, zpk) = (known(3), known(17));
    let (at_terminal, at_host) = (stored(Role::Tpk, &tpk), stored(Role::Zpk, &zpk));
    let pan = Pan::new(b"4111111111111111").expect("digits");
    let pin = hsm::Pin::new(b"271828").expect("a PIN");
    let clear =
        hsm::pin::compose(Format::Iso0, &pin, &pan, &mut hsm::pin::Fill::Given(&[])).expect("a block");
    let block = hsm::pin::encipher(Format::Iso0, &clear, &pan, &tpk).expect("a block");
    let mut block = block.as_bytes().to_vec();
    for (from, to, format) in [
        (side(&at_terminal, Format::Iso0), side(&at_host, Format::Iso3), Format::Iso3),
        (side(&at_host, Format::Iso3), side(&at_host, Format::Iso0), Format::Iso0),
    ] {
        let request = Request::TranslatePin { block: Sealed::new(block), from, to };
        let moved = link.ask(&request);
        let Ok(Answer::Pin { block: moved, digits: 6 }) = moved else { panic!("{format}: {moved:?}") };
        let clear = hsm::pin::decipher(format, &moved, &pan, &zpk).expect("a block");
        assert_eq!(hsm::pin::extract(format, &clear, &pan).as_ref(), Ok(&pin), "{format}");
        block = moved;
    }
    let (from, to) = (side(&at_terminal, Format::Iso0), side(&at_host, Format::Iso0));
    let nonsense = Request::TranslatePin { block: Sealed::new(vec![1; 8]), from, to };
    assert_eq!(link.ask(&nonsense), Err(Fault::PinBlock));
}

/// Terminal keys by the older commands, whose answer tells no check value.
fn terminal_keys(link: &mut Link) {
    link.client.older_terminal_keys = true;
    let tmk = link.made(NewKey::tdes(Role::Tmk));
    for role in [Role::Tpk, Role::Tak] {
        let under = Some((tmk.clone(), Form::Scheme(Scheme::X)));
        let made = link.ask(&Request::Generate { key: NewKey::tdes(role), under });
        assert!(
            matches!(&made, Ok(Answer::Generated { wrapped: Some(_), check: None, .. })),
            "HC, HA: {made:?}"
        );
    }
    link.client.older_terminal_keys = false;
}

/// What both modules refuse, and how.
fn refusals(link: &mut Link) {
    let spoilt = StoredKey::new(Role::Zak, "U00000000000000000000000000000000");
    let mac = Request::MakeMac(mac_data(&spoilt, Algorithm::Iso3, Padding::Zeros));
    assert_eq!(link.ask(&mac), Err(Fault::Parity), "a key of wrong parity");
    for (command, wanted) in
        [("B20005PING", "B380"), ("B20003PING", "B315"), ("ZY", "ZZ68"), ("CAxx", "CB15"), ("NC", "ND00")]
    {
        link.send(format!("abcd{command}").as_bytes());
        let answer = link.heard().expect("an answer");
        assert!(answer.starts_with(format!("abcd{wanted}").as_bytes()), "{command}: {answer:?}");
    }
}

fn whole_story(module: &Module) {
    let mut link = module.link(Keeping::Variants);
    keys_and_macs(&mut link);
    pins(&mut link);
    terminal_keys(&mut link);
    refusals(&mut link);
    // With key blocks: the master key under triple DES, then the one under AES.
    for lmk in [*b"01", *b"02"] {
        keys_and_macs(&mut module.link(Keeping::Blocks { lmk }));
    }
}

#[test]
fn our_codec_speaks_with_our_simulated_module() {
    let module = Module::simulated(&[]);
    whole_story(&module);
    let aes = NewKey { cipher: Cipher::Aes, ..NewKey::tdes(Role::Zak) };
    let mut link = module.link(Keeping::Blocks { lmk: *b"02" });
    let key = link.made(aes);
    let made = link.ask(&Request::MakeMac(mac_data(&key, Algorithm::AesCmac, Padding::Zeros)));
    assert!(matches!(&made, Ok(Answer::Mac(mac)) if mac.len() == 8), "{made:?}");
}

#[test]
fn our_codec_speaks_with_an_independent_module() {
    if let Some(module) = Module::independent() {
        whole_story(&module);
        println!("an independent module understood every command");
    }
}

#[test]
fn a_simulated_module_is_as_faulty_as_it_is_told_to_be() {
    let faulty = Module::simulated(&["--fault-every", "3", "--fault-code", "13"]);
    let mut link = faulty.link(Keeping::Variants);
    let heard: Vec<_> = (0..6).map(|_| link.ask(&Request::Status).err()).collect();
    let fault = Some(Fault::Device(*b"13"));
    assert_eq!(heard, [None, None, fault, None, None, fault]);

    let garbled = Module::simulated(&["--garbage-every", "2"]);
    let mut link = garbled.link(Keeping::Variants);
    assert!(link.try_ask(&Request::Status).is_ok());
    assert_eq!(link.try_ask(&Request::Status), Err(Unusable::Header));

    let cutting = Module::simulated(&["--drop-connection-every", "2"]);
    let mut link = cutting.link(Keeping::Variants);
    assert!(link.ask(&Request::Status).is_ok());
    link.send(b"0001NC");
    assert!(link.heard().is_err(), "the connection is cut");
    assert!(cutting.link(Keeping::Variants).ask(&Request::Status).is_ok(), "and another one stands");

    let silent = Module::simulated(&["--silent-every", "2"]);
    let mut link = silent.link(Keeping::Variants);
    for wanted in ["0001", "0003"] {
        link.send(b"0001NC");
        if wanted == "0003" {
            link.send(b"0003NC");
        }
        assert!(link.heard().expect("an answer").starts_with(wanted.as_bytes()));
    }
}

#[test]
fn a_simulated_module_works_no_faster_than_it_is_told_to() {
    let slow = Module::simulated(&["--calls-per-second", "250", "--latency-us", "2000"]);
    let mut link = slow.link(Keeping::Variants);
    let began = Instant::now();
    // All at once, as a pipelining host asks; they are worked off one after another.
    for number in 0..100 {
        link.send(format!("{number:04}NC").as_bytes());
    }
    for number in 0..100 {
        let answer = link.heard().expect("an answer");
        assert!(answer.starts_with(format!("{number:04}ND00").as_bytes()), "in the order they came");
    }
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(400), "100 commands at 250 a second take 0.4 s, not {took:?}");
}

#[test]
fn a_simulated_module_dies_and_comes_back() {
    let mortal = Module::simulated(&["--die-after", "2.5", "--revive-after", "0.3"]);
    let mut link = mortal.link(Keeping::Variants);
    assert!(link.ask(&Request::Status).is_ok());
    assert!(link.heard().is_err(), "it is gone, and the connection with it");
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let back = TcpStream::connect(&mortal.address);
        if back.is_ok() {
            break;
        }
        assert!(Instant::now() < deadline, "it never came back");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(mortal.link(Keeping::Variants).ask(&Request::Status).is_ok());
}
