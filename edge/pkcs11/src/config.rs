use crate::OpenError;
use cryptoki::types::AuthPin;
use rustix::fs::OFlags;
use rustix::process::geteuid;
use std::fs::OpenOptions;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Longer than any token takes. Cost: read at once.
const PIN_BYTES_MAX: u64 = 256;

/// Where a token is, and how it is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenConfig {
    /// The library of its maker.
    pub module: PathBuf,
    /// The label of the token; any where nothing is said.
    pub label: Option<String>,
    /// Its serial number; any where nothing is said.
    pub serial: Option<String>,
    /// The file its PIN stands in, for its owner alone.
    pub pin_file: PathBuf,
    /// What the labels of the master keys in it begin with.
    pub key: String,
    /// A file that remembers which PIN file was refused: so that a service that is started again and again never locks
    /// the token.
    pub refused: Option<PathBuf>,
}

/// Which file it was, without a word of what stands in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PinMark {
    inode: u64,
    written_s: i64,
    written_ns: i64,
}

impl TokenConfig {
    /// The token that is wanted, for people.
    pub(crate) fn wanted(&self) -> String {
        match (&self.label, &self.serial) {
            (Some(label), Some(serial)) => format!("`{label}` with serial number {serial}"),
            (Some(label), None) => format!("`{label}`"),
            (None, Some(serial)) => format!("with serial number {serial}"),
            (None, None) => "at all".into(),
        }
    }

    /// The PIN, and which file it came from.
    pub(crate) fn read_pin(&self) -> Result<(AuthPin, PinMark), OpenError> {
        let path = &self.pin_file;
        let bad = |said: String| OpenError::PinFile { path: path.clone(), said };
        let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = file.map_err(|error| bad(error.to_string()))?;
        let about = file.metadata().map_err(|error| bad(error.to_string()))?;
        if !about.is_file() {
            return Err(bad("it is no file".into()));
        }
        if about.uid() != geteuid().as_raw() {
            let (theirs, ours) = (about.uid(), geteuid().as_raw());
            return Err(bad(format!("it belongs to user {theirs}, and this runs as user {ours}")));
        }
        if about.mode() & 0o077 != 0 {
            return Err(bad(format!(
                "others may read or write it (mode {:o}): chmod 600",
                about.mode() & 0o777
            )));
        }
        let mut text = Zeroizing::new(Vec::with_capacity(PIN_BYTES_MAX as usize + 1));
        file.take(PIN_BYTES_MAX + 1).read_to_end(&mut text).map_err(|error| bad(error.to_string()))?;
        let pin = text.strip_suffix(b"\n").unwrap_or(&text);
        let pin = pin.strip_suffix(b"\r").unwrap_or(pin);
        let pin = std::str::from_utf8(pin).ok().filter(|pin| !pin.is_empty() && !pin.contains('\n'));
        let pin = pin.filter(|pin| pin.len() as u64 <= PIN_BYTES_MAX);
        let pin = pin.ok_or_else(|| bad("it is not one line of text".into()))?;
        let mark = PinMark { inode: about.ino(), written_s: about.mtime(), written_ns: about.mtime_nsec() };
        Ok((AuthPin::new(pin.into()), mark))
    }
}

impl PinMark {
    pub(crate) fn line(self) -> String {
        format!("{} {} {}\n", self.inode, self.written_s, self.written_ns)
    }
}
