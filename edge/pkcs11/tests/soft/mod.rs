//! Tokens in software for tests, by SoftHSM: each test has a directory of tokens and a process of its own, because a
//! library begins once in a process and reads where its tokens lie from the environment.
#![allow(dead_code, reason = "each test program uses its own part")]

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};

/// Where distributions put it.
const PLACES: [&str; 4] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
];
/// Where they put what single DES needs.
const PROVIDERS: [&str; 3] = [
    "/usr/lib/x86_64-linux-gnu/ossl-modules/legacy.so",
    "/usr/lib/aarch64-linux-gnu/ossl-modules/legacy.so",
    "/usr/lib64/ossl-modules/legacy.so",
];
pub(crate) const PIN: &str = "271828";
const SO_PIN: &str = "31415926";

/// The library. `SEKISHO_SOFTHSM` names it, and then it must be there; otherwise a machine may be without it.
pub(crate) fn module() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("SEKISHO_SOFTHSM").map(PathBuf::from) {
        assert!(named.is_file(), "SEKISHO_SOFTHSM names {}, which is not there", named.display());
        return Some(named);
    }
    let found = PLACES.iter().map(PathBuf::from).find(|path| path.is_file());
    if found.is_none() {
        println!("skipped: SoftHSM not found (Debian: softhsm2; SEKISHO_SOFTHSM names its library)");
    }
    found
}

/// A directory of tokens.
pub(crate) struct Soft {
    pub(crate) directory: PathBuf,
    pub(crate) module: PathBuf,
    /// Whether single DES is to be had, which distributions keep apart.
    pub(crate) with_des: bool,
}

impl Soft {
    /// An empty one; `None` where there is no SoftHSM.
    pub(crate) fn new(with_des: bool) -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let module = module()?;
        if with_des && !PROVIDERS.iter().any(|path| Path::new(path).is_file()) {
            println!("skipped: single DES not found (the legacy provider of OpenSSL)");
            return None;
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("sekisho-soft-{}-{number}", std::process::id()));
        std::fs::create_dir_all(directory.join("tokens")).expect("room");
        let soft = Self { directory, module, with_des };
        let tokens = soft.directory.join("tokens");
        let conf = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        std::fs::write(soft.directory.join("softhsm2.conf"), conf).expect("room");
        let providers = if with_des { "default = on\nlegacy = on\n" } else { "default = on\n" };
        let conf =
            format!("openssl_conf = all\n[all]\nproviders = those\n[those]\n{providers}[on]\nactivate = 1\n");
        std::fs::write(soft.directory.join("openssl.cnf"), conf).expect("room");
        Some(soft)
    }

    /// What a process has to be told to find it.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 5] {
        [
            ("SOFTHSM2_CONF", self.directory.join("softhsm2.conf")),
            ("OPENSSL_CONF", self.directory.join("openssl.cnf")),
            ("ILL_OF", self.module.clone()),
            ("ILL_FILE", self.directory.join("ill")),
            ("ILL_LOGINS", self.directory.join("logins")),
        ]
    }

    /// A library that is SoftHSM until it is told to fall ill.
    pub(crate) fn ill(&self) -> PathBuf {
        let source = self.directory.join("ill.c");
        std::fs::write(&source, include_str!("ill.c")).expect("room");
        let library = self.directory.join("ill.so");
        let mut compiler = Command::new("cc");
        compiler.args(["-shared", "-fPIC", "-Wall", "-Werror", "-o"]).arg(&library).arg(source).arg("-ldl");
        assert!(compiler.status().expect("cc, which the build needs too").success());
        library
    }

    /// Makes a token, and says its serial number.
    pub(crate) fn token(&self, label: &str) -> String {
        self.util(&["--init-token", "--free", "--label", label, "--so-pin", SO_PIN, "--pin", PIN]);
        let shown = self.util(&["--show-slots"]);
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        let mut serial = None;
        for line in text.lines().map(str::trim) {
            if let Some(number) = line.strip_prefix("Serial number:") {
                serial = Some(number.trim().to_owned());
            }
            if line.strip_prefix("Label:").is_some_and(|found| found.trim() == label) {
                return serial.expect("it stands above the label");
            }
        }
        panic!("no token {label} in {text}")
    }

    /// Takes every token away, as a hand would that pulls them.
    pub(crate) fn pull(&self) {
        std::fs::rename(self.directory.join("tokens"), self.directory.join("pulled"))
            .expect("they are there");
        std::fs::create_dir(self.directory.join("tokens")).expect("room");
    }

    /// Puts them back.
    pub(crate) fn put_back(&self) {
        std::fs::remove_dir_all(self.directory.join("tokens")).expect("it is there");
        std::fs::rename(self.directory.join("pulled"), self.directory.join("tokens"))
            .expect("they are there");
    }

    /// What its library falls ill of from here on.
    pub(crate) fn fall_ill(&self, of: &str) {
        fall_ill(&self.directory, of);
    }

    /// Runs the tool of the tokens.
    pub(crate) fn util(&self, words: &[&str]) -> Output {
        let done =
            Command::new("softhsm2-util").args(words).envs(self.environment()).output().expect("its tool");
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
        done
    }

    /// A file with a PIN, as it has to be.
    pub(crate) fn pin_file(&self, name: &str, pin: &str) -> PathBuf {
        let path = self.directory.join(name);
        let _ = std::fs::remove_file(&path);
        write_private(&path, pin);
        path
    }
}

impl Drop for Soft {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

fn fall_ill(directory: &Path, of: &str) {
    std::fs::write(directory.join("ill.next"), of).expect("room");
    // At once: nobody reads half of it.
    std::fs::rename(directory.join("ill.next"), directory.join("ill")).expect("room");
}

/// In one go: nobody reads half of it.
pub(crate) fn write_private(path: &Path, text: &str) {
    let beside = path.with_extension("next");
    let mut options = std::fs::OpenOptions::new();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&beside).expect("room");
    writeln!(file, "{text}").expect("room");
    std::fs::rename(beside, path).expect("room");
}

const INNER: &str = "SEKISHO_TEST_WITH_TOKENS_IN";

/// Runs a test in a process of its own that finds a fresh directory of tokens.
pub(crate) fn with_tokens(name: &str, with_des: bool, prepare: impl FnOnce(&Soft), test: impl FnOnce(Inner)) {
    if let Some(directory) = std::env::var_os(INNER).map(PathBuf::from) {
        return test(Inner { directory, module: module().expect("it was there a moment ago") });
    }
    let Some(soft) = Soft::new(with_des) else { return };
    prepare(&soft);
    let done = again(name, &soft);
    print!("{}", String::from_utf8_lossy(&done.stdout));
    assert!(
        done.status.success(),
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
}

/// Runs the test of that name once more, in another process before the same tokens.
fn again(name: &str, soft: &Soft) -> Output {
    let mut command = Command::new(std::env::current_exe().expect("it runs"));
    command.args(["--exact", name, "--nocapture"]).env(INNER, &soft.directory).envs(soft.environment());
    command.output().expect("it can run again")
}

/// Inside of that process.
pub(crate) struct Inner {
    pub(crate) directory: PathBuf,
    pub(crate) module: PathBuf,
}

impl Inner {
    /// The library that falls ill, where it was prepared.
    pub(crate) fn ill(&self) -> PathBuf {
        self.directory.join("ill.so")
    }

    /// What the library falls ill of from here on.
    pub(crate) fn fall_ill(&self, of: &str) {
        fall_ill(&self.directory, of);
    }

    /// How often anybody tried to log in.
    pub(crate) fn logins(&self) -> usize {
        std::fs::read_to_string(self.directory.join("logins")).unwrap_or_default().lines().count()
    }

    /// Runs the tool of the tokens.
    pub(crate) fn util(&self, words: &[&str]) {
        let done = Command::new("softhsm2-util").args(words).output().expect("its tool");
        assert!(done.status.success(), "{words:?}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
