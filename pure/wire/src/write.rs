//! A writer that takes back what it could not finish.

use crate::few::Few;
use alloc::vec::Vec;

/// Appends to `out` whatever `write` appends, all of it or nothing: on an error `out` is as long as before.
///
/// # Errors
/// Those of `write`.
#[inline]
pub fn all_or_nothing<T, E>(
    out: &mut Vec<u8>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
) -> Result<T, E> {
    let start = out.len();
    let result = write(out);
    if result.is_err() {
        out.truncate(start);
    }
    result
}

/// Appends `bytes`, as `extend_from_slice` does, and faster where they are few: the lengths of fields are
/// small and not known to the compiler, which would call a copying routine for each.
#[inline]
pub fn append(bytes: &[u8], out: &mut Vec<u8>) {
    match Few::of(bytes) {
        Some(few) => few.append(out),
        None => out.extend_from_slice(bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_bytes_are_appended_as_many_are() {
        let bytes: Vec<u8> = (1..=20).collect();
        for length in 0..=bytes.len() {
            let mut out = b"before".to_vec();
            append(&bytes[..length], &mut out);
            assert_eq!(out, [b"before", &bytes[..length]].concat(), "{length}");
        }
    }

    #[test]
    fn what_is_not_finished_is_taken_back() {
        let mut out = b"kept".to_vec();
        let refused = all_or_nothing(&mut out, |out| {
            out.extend_from_slice(b"half");
            Err::<(), _>("no")
        });
        assert_eq!(refused, Err("no"));
        assert_eq!(out, b"kept");
    }
}
