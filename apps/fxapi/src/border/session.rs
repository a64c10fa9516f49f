//! Sessions, the link and the switch.

use super::{guarded, guarded_question, place};
use crate::rc::Rc;
use crate::{orders, sessions};
use std::ffi::{c_char, c_int};

/// The front of `struct tm`; what a system adds behind it is left alone.
#[repr(C)]
pub struct Tm {
    sec: c_int,
    min: c_int,
    hour: c_int,
    mday: c_int,
    mon: c_int,
    year: c_int,
    wday: c_int,
    yday: c_int,
    isdst: c_int,
}

/// `FX_OpenSession_CN`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_OpenSession_CN(session: *mut u32) -> u32 {
    guarded(|| {
        // SAFETY: see the top of this module.
        let told = unsafe { place(session) }?;
        *told = 0;
        *told = sessions::open()?;
        Ok(())
    })
}

/// `FX_CloseSession`
#[unsafe(no_mangle)]
pub extern "C" fn FX_CloseSession(session: u32) -> u32 {
    guarded(|| sessions::close(session))
}

/// `FX_Connect`
#[unsafe(no_mangle)]
pub extern "C" fn FX_Connect(session: u32) -> u32 {
    guarded(|| sessions::take(session)?.sign_on())
}

/// `FX_Disconnect`
#[unsafe(no_mangle)]
pub extern "C" fn FX_Disconnect(session: u32) -> u32 {
    guarded(|| sessions::take(session)?.sign_off())
}

/// `FX_CtrlSignOn`
#[unsafe(no_mangle)]
pub extern "C" fn FX_CtrlSignOn(session: u32) -> u32 {
    guarded(|| sessions::take(session)?.set_ready(true))
}

/// `FX_CtrlSignOff`
#[unsafe(no_mangle)]
pub extern "C" fn FX_CtrlSignOff(session: u32) -> u32 {
    guarded(|| sessions::take(session)?.set_ready(false))
}

/// `FX_CtrlShutdown`
#[unsafe(no_mangle)]
pub extern "C" fn FX_CtrlShutdown(session: u32, by_force: i32) -> u32 {
    guarded(|| sessions::take(session)?.shut_down(by_force != 0))
}

/// `FX_CtrlRecovery`
#[unsafe(no_mangle)]
pub extern "C" fn FX_CtrlRecovery(session: u32) -> u32 {
    guarded(|| sessions::take(session)?.recover())
}

/// `FX_IsRunning`
#[unsafe(no_mangle)]
pub extern "C" fn FX_IsRunning(session: u32) -> i32 {
    guarded_question(|| sessions::take(session)?.get("/v1/status").map(|_| true))
}

/// `FX_IsSignOn`
#[unsafe(no_mangle)]
pub extern "C" fn FX_IsSignOn(session: u32) -> i32 {
    guarded_question(|| sessions::take(session)?.is_signed_on())
}

/// `FX_IsSwitch`
#[unsafe(no_mangle)]
pub extern "C" fn FX_IsSwitch(session: u32) -> i32 {
    guarded_question(|| sessions::take(session)?.is_switching())
}

/// `FX_IsRecoveryMode`
#[unsafe(no_mangle)]
pub extern "C" fn FX_IsRecoveryMode(session: u32) -> i32 {
    guarded_question(|| sessions::take(session)?.is_recovering())
}

/// `FX_IsReconciled`
#[unsafe(no_mangle)]
pub extern "C" fn FX_IsReconciled(session: u32) -> i32 {
    guarded_question(|| sessions::take(session)?.is_reconciled())
}

/// `FX_GetCutDate`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_GetCutDate(session: u32, told: *mut Tm) -> u32 {
    guarded(|| {
        // SAFETY: see the top of this module; every struct tm begins with these nine.
        let told = unsafe { place(told) }?;
        let (year, month, day) = sessions::take(session)?.cut_date()?;
        let (wday, yday) = orders::days_of(year, month, day);
        let (mday, mon) = (day as c_int, month as c_int - 1);
        *told = Tm { sec: 0, min: 0, hour: 0, mday, mon, year: year - 1_900, wday, yday, isdst: -1 };
        Ok(())
    })
}

/// `FX_SendCutOverMsg`
#[unsafe(no_mangle)]
pub extern "C" fn FX_SendCutOverMsg(session: u32) -> u32 {
    guarded(|| sessions::take(session)?.ask_cutover())
}

/// `FX_AbiVersion`
#[unsafe(no_mangle)]
pub extern "C" fn FX_AbiVersion() -> u32 {
    1
}

/// `FX_RcName`
#[unsafe(no_mangle)]
pub extern "C" fn FX_RcName(rc: u32) -> *const c_char {
    /// The names with their zeros, made once: they are never freed.
    static NAMES: std::sync::OnceLock<Vec<(u32, std::ffi::CString)>> = std::sync::OnceLock::new();
    let named = || {
        let all = Rc::ALL.iter().map(|(rc, name)| (*rc as u32, format!("RC_{name}")));
        all.filter_map(|(rc, name)| Some((rc, std::ffi::CString::new(name).ok()?))).collect()
    };
    let names = std::panic::catch_unwind(|| NAMES.get_or_init(named));
    let found = names.ok().and_then(|names| names.iter().find(|(known, _)| *known == rc));
    found.map_or(c"?".as_ptr(), |(_, name)| name.as_ptr())
}
