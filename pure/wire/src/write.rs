//! A writer that takes back what it could not finish.

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

#[cfg(test)]
mod tests {
    use super::*;

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
