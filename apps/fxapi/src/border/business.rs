//! Messages sent, and what comes back.

use super::{XMsg, answer_room, built, guarded, guarded_code, place, said, tell};
use crate::answer::Answer;
use crate::message::{Message, SIZE};
use crate::rc::Rc;
use crate::request::Kind;
use crate::{sending, sessions};
use std::ffi::c_char;
use std::time::Duration;

/// The transaction type that is the event channel.
const OTHER: u32 = 0;
/// Longest wait for an event, unless the environment says another.
const EVENT_RECEIVE_TIMEOUT: Duration = Duration::from_secs(90);
/// Room of what is told, as in the header.
const REASON: usize = 7;
const AUTH_CODE: usize = 7;
const RET_REF_NUM: usize = 13;
const AUTH_AGENT: usize = 12;
const TRANSPORT: usize = 1_000;

/// `FX_GetSeqNum`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_GetSeqNum(session: u32, seq: *mut u32) -> u32 {
    guarded(|| {
        // SAFETY: see the top of this module.
        let told = unsafe { place(seq) }?;
        *told = sessions::take(session)?.seq()?;
        Ok(())
    })
}

/// `FX_SendMsg_CN`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_SendMsg_CN(
    session: u32,
    seq: u32,
    message: *mut XMsg,
    company1: *const c_char,
    company2: *const c_char,
    company3: *const c_char,
) -> u32 {
    guarded(|| {
        let session = sessions::take(session)?;
        // SAFETY: see the top of this module.
        let mut message = unsafe { built(message) }?;
        // SAFETY: see the top of this module.
        unsafe { put_companies(&mut message, [company1, company2, company3]) }?;
        session.send(seq, &message)
    })
}

/// `FX_ReceiveMsg_CN`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_ReceiveMsg_CN(
    session: u32,
    mode: u32,
    kind: *mut u32,
    seq: *mut u32,
    message: *mut XMsg,
) -> u32 {
    guarded_code(|| {
        // SAFETY: see the top of this module.
        let told_kind = unsafe { place(kind) }?;
        let wait = match mode {
            0 => true,
            1 => false,
            _ => return Err(Rc::INVALID_PARAM),
        };
        let session = sessions::take(session)?;
        if *told_kind == OTHER {
            // SAFETY: see the top of this module.
            let mut room = unsafe { answer_room(message) };
            let patience = if wait { event_receive_timeout() } else { Duration::ZERO };
            let event = session.event(patience, room.as_mut());
            return event.map_err(|rc| if rc == Rc::TIME_OUT && !wait { Rc::DATA_IS_NOT_READY } else { rc });
        }
        // SAFETY: see the top of this module.
        let told_seq = unsafe { place(seq) }?;
        let (number, kind, answer) = session.receive(*told_seq, wait)?;
        (*told_seq, *told_kind) = (number, kind as u32);
        // SAFETY: see the top of this module.
        unsafe { write(&answer, message) };
        Ok(answer.rc)
    })
}

/// `FX_SendAuth`
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "the parameter list is an older product's")]
pub unsafe extern "C" fn FX_SendAuth(
    session: u32,
    seq: *mut u32,
    reason: *mut c_char,
    request: *mut XMsg,
    company1: *const c_char,
    company2: *const c_char,
    company3: *const c_char,
    _org_code: c_char,
    response: *mut XMsg,
    auth_code: *mut c_char,
    ret_ref_num: *mut c_char,
    auth_agent: *mut c_char,
    transport: *mut c_char,
) -> u32 {
    guarded_code(|| {
        let told = Told { reason, response, auth_code, ret_ref_num, auth_agent, transport };
        // SAFETY: see the top of this module.
        unsafe {
            let sent = authorize(session, seq, request, [company1, company2, company3]);
            told.tell(sent.as_ref());
            sent.map(|answer| answer.rc)
        }
    })
}

/// `FX_CaptureAuth`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_CaptureAuth(
    session: u32,
    seq: u32,
    reason: *mut c_char,
    date_capt: *const c_char,
    _cap_opt: u32,
    response: *mut XMsg,
) -> u32 {
    guarded_code(|| {
        // SAFETY: see the top of this module.
        unsafe {
            let captured = said(date_capt).and_then(|day| capture(session, seq, day));
            Told { reason, response, ..Told::NOTHING }.tell(captured.as_ref());
            captured.map(|answer| answer.rc)
        }
    })
}

/// `FX_SendAndCaptureAuth`
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments, reason = "the parameter list is an older product's")]
pub unsafe extern "C" fn FX_SendAndCaptureAuth(
    session: u32,
    seq: *mut u32,
    reason: *mut c_char,
    _cap_opt: u32,
    request: *mut XMsg,
    company1: *const c_char,
    company2: *const c_char,
    company3: *const c_char,
    _org_code: c_char,
    response: *mut XMsg,
    auth_code: *mut c_char,
    ret_ref_num: *mut c_char,
    auth_agent: *mut c_char,
    transport: *mut c_char,
) -> u32 {
    guarded_code(|| {
        let told = Told { reason, response, auth_code, ret_ref_num, auth_agent, transport };
        // SAFETY: see the top of this module.
        unsafe {
            // Whatever else moves money by itself: a capture behind it could only be refused.
            if !sending::is_authorization(&built(request)?) {
                return Err(Rc::INVALID_MSG);
            }
            let sent = authorize(session, seq, request, [company1, company2, company3]);
            told.tell(sent.as_ref());
            let answer = sent?;
            if answer.rc != Rc::OK {
                return Ok(answer.rc);
            }
            let captured = capture(session, *place(seq)?, None);
            Told { reason, ..Told::NOTHING }.tell(captured.as_ref());
            captured.map(|captured| captured.rc)
        }
    })
}

/// `FX_SendSystemCancel_CN`
#[unsafe(no_mangle)]
pub extern "C" fn FX_SendSystemCancel_CN(session: u32, seq: u32) -> u32 {
    guarded_code(|| Ok(sessions::take(session)?.cancel(seq)?.rc))
}

/// `FX_GetResult`
#[unsafe(no_mangle)]
pub unsafe extern "C" fn FX_GetResult(session: u32, seq: u32, response: *mut XMsg) -> u32 {
    guarded_code(|| {
        let answer = sessions::take(session)?.result(seq)?;
        // SAFETY: see the top of this module.
        unsafe { write(&answer, response) };
        Ok(answer.rc)
    })
}

unsafe fn authorize(
    session: u32,
    seq: *mut u32,
    request: *mut XMsg,
    companies: [*const c_char; 3],
) -> Result<Answer, Rc> {
    // SAFETY: as for our callers.
    let told_seq = unsafe { place(seq) }?;
    let session = sessions::take(session)?;
    // SAFETY: as for our callers.
    let mut message = unsafe { built(request) }?;
    // SAFETY: as for our callers.
    unsafe { put_companies(&mut message, companies) }?;
    let (number, answer) = session.send_and_wait(&message)?;
    *told_seq = number;
    Ok(answer)
}

fn capture(session: u32, seq: u32, day: Option<&str>) -> Result<Answer, Rc> {
    let session = sessions::take(session)?;
    let mut own = [0; SIZE];
    let mut message = Message::fresh(&mut own);
    sending::begin_about(&mut message, Kind::Advice, seq)?;
    message.set(17, day.unwrap_or_default().as_bytes())?;
    session.capture(seq, &message)
}

/// The first company goes as the acquirer where the message names none; all are looked at.
unsafe fn put_companies(message: &mut Message<'_>, companies: [*const c_char; 3]) -> Result<(), Rc> {
    for (at, company) in companies.into_iter().enumerate() {
        // SAFETY: as for our callers.
        let company = unsafe { said(company) }?;
        if let Some(company) = company.filter(|_| at == 0 && message.get(32).is_none()) {
            message.set(32, company.as_bytes())?;
        }
    }
    Ok(())
}

unsafe fn write(answer: &Answer, response: *mut XMsg) {
    // SAFETY: as for our callers.
    if let Some(mut message) = unsafe { answer_room(response) } {
        answer.write(&mut message);
    }
}

/// Where an answer is told.
struct Told {
    reason: *mut c_char,
    response: *mut XMsg,
    auth_code: *mut c_char,
    ret_ref_num: *mut c_char,
    auth_agent: *mut c_char,
    transport: *mut c_char,
}

impl Told {
    const NOTHING: Self = Self {
        reason: std::ptr::null_mut(),
        response: std::ptr::null_mut(),
        auth_code: std::ptr::null_mut(),
        ret_ref_num: std::ptr::null_mut(),
        auth_agent: std::ptr::null_mut(),
        transport: std::ptr::null_mut(),
    };

    /// Tells it; what there is not becomes an empty text, so that nothing old is read.
    unsafe fn tell(&self, answered: Result<&Answer, &Rc>) {
        let none;
        let answer = match answered {
            Ok(answer) => answer,
            Err(rc) => {
                none = Answer::none(*rc);
                &none
            }
        };
        // SAFETY: the header says how much room each has.
        unsafe {
            tell(self.reason, REASON, &answer.reason());
            tell(self.auth_code, AUTH_CODE, answer.text("auth_code"));
            tell(self.ret_ref_num, RET_REF_NUM, answer.text("rrn"));
            tell(self.auth_agent, AUTH_AGENT, answer.besides("authorizing_center"));
            tell(self.transport, TRANSPORT, answer.besides("transport_data"));
            write(answer, self.response);
        }
    }
}

fn event_receive_timeout() -> Duration {
    let said = std::env::var("EVENT_RECEIVE_TIMEOUT").ok().and_then(|text| text.parse().ok());
    said.map_or(EVENT_RECEIVE_TIMEOUT, Duration::from_secs)
}
