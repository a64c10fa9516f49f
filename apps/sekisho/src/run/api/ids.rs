//! How things are named outside: a prefix that says what it is, and a number or a secret.

use terms::{ForwardId, TxnId};

pub(crate) fn of_txn(id: TxnId) -> String {
    format!("txn_{}", id.0)
}

pub(crate) fn of_owed(id: ForwardId) -> String {
    format!("saf_{}", id.0)
}

/// The transaction of that name; the bare number of `sekisho txn` will do.
pub(crate) fn txn(name: &str) -> Option<TxnId> {
    let digits = name.strip_prefix("txn_").unwrap_or(name);
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain.then(|| digits.parse().ok().map(TxnId)).flatten()
}

/// So many random bytes in hex, behind a prefix: who knows it was told it.
pub(crate) fn secret<const N: usize>(prefix: &str) -> Result<String, clock::EntropyError> {
    let mut bytes = [0; N];
    clock::entropy(&mut bytes)?;
    Ok(bytes.iter().fold(prefix.to_owned(), |text, byte| format!("{text}{byte:02x}")))
}
