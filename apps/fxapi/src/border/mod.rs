//! The border with C: the only place that reads and writes through pointers.
//!
//! What every function here relies on is what the header promises of its callers: a pointer is NULL or points to
//! what its parameter says, for as long as the call lasts, and nobody else writes there meanwhile. A text is read to
//! its zero and never beyond `TEXT_MAX` bytes; a message is always the whole `message::SIZE` bytes; what is told
//! is written only where the header says how much room there is. No panic leaves: it becomes
//! [`Rc::ERROR_API_INTERNAL`].

#![allow(clippy::missing_safety_doc, reason = "it is the same for all of them, and stands above")]

mod business;
mod fields;
mod session;

use crate::message::{self, Message};
use crate::rc::Rc;
use std::ffi::c_char;
use std::panic::{AssertUnwindSafe, catch_unwind};
use zeroize::Zeroizing;

pub use business::*;
pub use fields::*;
pub use session::*;

/// Longest text a caller may hand in; longer than any field.
const TEXT_MAX: usize = 2_000;

/// Does it, and turns whatever happens into a code.
fn guarded(work: impl FnOnce() -> Result<(), Rc>) -> u32 {
    // What a panic left half done belongs to one session, whose locks are taken again whatever state they are in.
    let done = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Rc::ERROR_API_INTERNAL));
    done.map_or_else(|rc| rc as u32, |()| Rc::OK as u32)
}

/// The same for a function that ends with a code and no mistake.
fn guarded_code(work: impl FnOnce() -> Result<Rc, Rc>) -> u32 {
    let mut code = Rc::OK;
    let failed = guarded(|| {
        code = work()?;
        Ok(())
    });
    if failed == Rc::OK as u32 { code as u32 } else { failed }
}

/// The same for a question: what cannot be said is no.
fn guarded_question(work: impl FnOnce() -> Result<bool, Rc>) -> i32 {
    i32::from(matches!(catch_unwind(AssertUnwindSafe(work)), Ok(Ok(true))))
}

/// A text handed in; `None` for NULL. Errors: [`Rc::INVALID_PARAM`] where it does not end, or is no ASCII.
unsafe fn text<'a>(from: *const c_char) -> Result<Option<&'a str>, Rc> {
    if from.is_null() {
        return Ok(None);
    }
    let from = from.cast::<u8>();
    // SAFETY: the caller's text is readable up to its zero; nothing behind the first zero is looked at.
    let length = (0..TEXT_MAX).find(|at| unsafe { *from.add(*at) } == 0).ok_or(Rc::INVALID_PARAM)?;
    // SAFETY: so many bytes were just read.
    let bytes = unsafe { std::slice::from_raw_parts(from, length) };
    match bytes.is_ascii() {
        true => Ok(std::str::from_utf8(bytes).ok()),
        false => Err(Rc::INVALID_PARAM),
    }
}

/// A text that is not empty.
unsafe fn said<'a>(from: *const c_char) -> Result<Option<&'a str>, Rc> {
    // SAFETY: as for `text`.
    Ok(unsafe { text(from) }?.filter(|text| !text.is_empty()))
}

/// The room of a message.
unsafe fn room<'a>(at: *mut XMsg) -> Result<&'a mut [u8; message::SIZE], Rc> {
    // SAFETY: a message is the whole of its bytes, the caller's alone, and bytes need no alignment.
    unsafe { at.as_mut() }.map(|message| &mut message.opaque).ok_or(Rc::INVALID_PARAM)
}

/// A message that was built before.
unsafe fn built<'a>(at: *mut XMsg) -> Result<Message<'a>, Rc> {
    // SAFETY: as for `room`.
    Message::of(unsafe { room(at) }?)
}

/// A copy of a message that is only looked at: what is read through a pointer to what may not be written.
unsafe fn copied(at: *const XMsg) -> Result<Zeroizing<[u8; message::SIZE]>, Rc> {
    // SAFETY: a message is the whole of its bytes, and nobody writes there meanwhile.
    unsafe { at.as_ref() }.map(|message| Zeroizing::new(message.opaque)).ok_or(Rc::INVALID_PARAM)
}

/// An empty message, where the caller wants one.
unsafe fn answer_room<'a>(at: *mut XMsg) -> Option<Message<'a>> {
    // SAFETY: as for `room`.
    unsafe { room(at) }.ok().map(Message::fresh)
}

/// Where a value is told. Errors: [`Rc::INVALID_PARAM`] for NULL.
unsafe fn place<'a, T>(at: *mut T) -> Result<&'a mut T, Rc> {
    // SAFETY: the caller's pointer points to a value of that type, or is NULL.
    unsafe { at.as_mut() }.ok_or(Rc::INVALID_PARAM)
}

/// Tells a text in a buffer of `size` bytes: what does not fit is cut, and there is always a zero. NULL: not wanted.
unsafe fn tell(to: *mut c_char, size: usize, text: &str) {
    if to.is_null() || size == 0 {
        return;
    }
    let length = text.len().min(size - 1);
    // SAFETY: the header says that the caller's buffer has `size` bytes.
    let to = unsafe { std::slice::from_raw_parts_mut(to.cast::<u8>(), size) };
    to[..length].copy_from_slice(&text.as_bytes()[..length]);
    to[length] = 0;
}

/// `fx_XMsg`
#[repr(C)]
pub struct XMsg {
    opaque: [u8; message::SIZE],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_a_code() {
        assert_eq!(guarded(|| panic!("within")), Rc::ERROR_API_INTERNAL as u32);
        assert_eq!(guarded_code(|| panic!("within")), Rc::ERROR_API_INTERNAL as u32);
        assert_eq!(guarded_question(|| panic!("within")), 0);
        assert_eq!(guarded_code(|| Ok(Rc::SIGNON)), 44);
    }

    #[test]
    fn a_text_ends_with_its_zero_or_is_refused() {
        let read = |bytes: &[u8]| {
            // SAFETY: the bytes live until it returns, and are longer than what is read of them.
            unsafe { text(bytes.as_ptr().cast()) }.map(|text| text.map(str::to_owned))
        };
        assert_eq!(read(b"abc\0def\0"), Ok(Some("abc".into())));
        assert_eq!(read(&[b'x'; TEXT_MAX]), Err(Rc::INVALID_PARAM));
        assert_eq!(read("カ\0".as_bytes()), Err(Rc::INVALID_PARAM));
        // SAFETY: NULL is never read.
        assert_eq!(unsafe { text(std::ptr::null()) }, Ok(None));
    }

    #[test]
    fn what_is_told_never_leaves_its_buffer() {
        let mut buffer = [b'#'; 8];
        // SAFETY: four of the eight bytes are said to be there.
        unsafe { tell(buffer.as_mut_ptr().cast(), 4, "abcdef") };
        assert_eq!(&buffer, b"abc\0####");
        // SAFETY: NULL is never written to.
        unsafe { tell(std::ptr::null_mut(), 4, "abcdef") };
    }
}
