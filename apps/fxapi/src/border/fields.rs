//! Messages and their fields.

use super::{XMsg, built, copied, guarded, place, room, said, text};
use crate::message::{FIELD_MAX, Message};
use crate::rc::Rc;
use crate::request::Kind;
use crate::{sending, sessions};
use std::ffi::c_char;

/// Longest field with two digits of length.
const LL_MAX: usize = 99;

/// `FX_InitMsg`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_InitMsg(message: *mut XMsg) -> u32 {
    // SAFETY: see the top of this module.
    guarded(|| unsafe { room(message) }.map(Message::fresh).map(drop))
}

/// `FX_SetField`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_SetField(message: *mut XMsg, bit: u32, data: *const c_char) -> u32 {
    guarded(|| {
        // SAFETY: see the top of this module.
        let (mut message, data) = unsafe { (built(message)?, text(data)?) };
        message.set(bit, data.ok_or(Rc::INVALID_PARAM)?.as_bytes())
    })
}

/// `FX_GetField`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_GetField(
    message: *const XMsg,
    bit: u32,
    data: *mut c_char,
    size: *mut u32,
) -> u32 {
    // SAFETY: see the top of this module.
    guarded(|| unsafe { get(message, bit, (data, size), FIELD_MAX, true) })
}

/// `FX_SetLLVAR`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_SetLLVAR(message: *mut XMsg, bit: u32, data: *const c_char, length: u32) -> u32 {
    // SAFETY: see the top of this module.
    guarded(|| unsafe { set(message, bit, (data, length), LL_MAX) })
}

/// `FX_GetLLVAR`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_GetLLVAR(
    message: *mut XMsg,
    bit: u32,
    data: *mut c_char,
    length: *mut u32,
) -> u32 {
    // SAFETY: see the top of this module.
    guarded(|| unsafe { get(message, bit, (data, length), LL_MAX, false) })
}

/// `FX_SetLLLVAR`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_SetLLLVAR(message: *mut XMsg, bit: u32, data: *const c_char, length: u32) -> u32 {
    // SAFETY: see the top of this module.
    guarded(|| unsafe { set(message, bit, (data, length), FIELD_MAX) })
}

/// `FX_GetLLLVAR`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_GetLLLVAR(
    message: *mut XMsg,
    bit: u32,
    data: *mut c_char,
    length: *mut u32,
) -> u32 {
    // SAFETY: see the top of this module.
    guarded(|| unsafe { get(message, bit, (data, length), FIELD_MAX, false) })
}

unsafe fn set(
    message: *mut XMsg,
    bit: u32,
    (data, length): (*const c_char, u32),
    most: usize,
) -> Result<(), Rc> {
    // SAFETY: as for our callers.
    let mut message = unsafe { built(message)? };
    if data.is_null() || length as usize > most {
        return Err(Rc::INVALID_PARAM);
    }
    // SAFETY: the caller says that so many bytes are there.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), length as usize) };
    message.set(bit, bytes)
}

/// Tells a field, whole or not at all; how much room it needs is told either way.
unsafe fn get(
    message: *const XMsg,
    bit: u32,
    (data, size): (*mut c_char, *mut u32),
    most: usize,
    with_zero: bool,
) -> Result<(), Rc> {
    // SAFETY: as for our callers.
    let (mut copy, size) = unsafe { (copied(message)?, place(size)?) };
    let message = Message::of(&mut copy)?;
    let field = message.get(bit).filter(|field| field.len() <= most).ok_or(Rc::NO_MSG_IN_FILE)?;
    let room = *size as usize;
    let needed = field.len() + usize::from(with_zero);
    *size = needed as u32;
    if data.is_null() || room < needed {
        return Err(Rc::INVALID_PARAM);
    }
    // SAFETY: the caller says that there is so much room, and it is not within the message.
    let to = unsafe { std::slice::from_raw_parts_mut(data.cast::<u8>(), needed) };
    to[..field.len()].copy_from_slice(field);
    to[field.len()..].fill(0);
    Ok(())
}

/// `FX_BuildAuthMsg`
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "the parameter list is an older product's")]
pub unsafe extern "C" fn FX_BuildAuthMsg(
    session: u32,
    kind: u32,
    _appl_type: u32,
    account_num: *const c_char,
    amount: *const c_char,
    date_capt: *const c_char,
    mer_code: *const c_char,
    term_num: *const c_char,
    mer_num: *const c_char,
    pin_blk: *const c_char,
    local: *const c_char,
    acq_comp: *const c_char,
    ic_data: *const c_char,
    request: *mut XMsg,
) -> u32 {
    guarded(|| {
        sessions::take(session)?;
        let kind = business(kind)?;
        // SAFETY: see the top of this module.
        let mut message = Message::fresh(unsafe { room(request) }?);
        sending::begin(&mut message, kind)?;
        message.set(49, currency().as_bytes())?;
        let fields = [
            (2, account_num),
            (4, amount),
            (17, date_capt),
            (26, mer_code),
            (41, term_num),
            (42, mer_num),
            (52, pin_blk),
            (12, local),
            (32, acq_comp),
            (55, ic_data),
        ];
        for (bit, from) in fields {
            // SAFETY: see the top of this module.
            if let Some(text) = unsafe { said(from) }? {
                message.set(bit, text.as_bytes())?;
            }
        }
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        match [2, 4].into_iter().all(|bit| message.text(bit).is_none_or(is_number)) {
            true => Ok(()),
            false => Err(Rc::ERR_BUILDMSG),
        }
    })
}

/// `FX_BuildAdviceMsg`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_BuildAdviceMsg(
    session: u32,
    seq: u32,
    amount: *const c_char,
    date_capt: *const c_char,
    request: *mut XMsg,
) -> u32 {
    guarded(|| {
        sessions::take(session)?;
        // SAFETY: see the top of this module.
        let mut message = Message::fresh(unsafe { room(request) }?);
        sending::begin_about(&mut message, Kind::Advice, seq)?;
        for (bit, from) in [(4, amount), (17, date_capt)] {
            // SAFETY: see the top of this module.
            if let Some(text) = unsafe { said(from) }? {
                message.set(bit, text.as_bytes())?;
            }
        }
        Ok(())
    })
}

/// `FX_BuildCancelMsg`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_BuildCancelMsg(session: u32, seq: u32, request: *mut XMsg) -> u32 {
    guarded(|| {
        sessions::take(session)?;
        // SAFETY: see the top of this module.
        let mut message = Message::fresh(unsafe { room(request) }?);
        sending::begin_about(&mut message, Kind::Cancel, seq)
    })
}

/// `FX_BuildMsg`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_BuildMsg(session: u32, kind: u32, request: *mut XMsg) -> u32 {
    guarded(|| {
        sessions::take(session)?;
        let kind = business(kind)?;
        // SAFETY: see the top of this module.
        let mut message = Message::fresh(unsafe { room(request) }?);
        sending::begin(&mut message, kind)?;
        message.set(49, currency().as_bytes())
    })
}

/// A kind that stands for itself: what is about another message has a function of its own.
fn business(kind: u32) -> Result<Kind, Rc> {
    let kind = Kind::numbered(kind).ok_or(Rc::INVALID_MSGGRP)?;
    if matches!(kind, Kind::Advice | Kind::Cancel) { Err(Rc::INVALID_MSGGRP) } else { Ok(kind) }
}

/// The usual currency: that of FX_CURRENCY, or yen.
fn currency() -> String {
    std::env::var("FX_CURRENCY").ok().filter(|text| text.len() == 3).unwrap_or_else(|| "392".into())
}
