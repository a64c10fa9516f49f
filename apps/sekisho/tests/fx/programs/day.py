"""A whole day of a merchant through the C library, from Python. Argument: the library. Prints each step."""

import ctypes
import sys
import time

fx = ctypes.CDLL(sys.argv[1])
fx.FX_RcName.restype = ctypes.c_char_p
U = ctypes.c_uint32
MESSAGE_SIZE = 8192
AUTH, SALE, OTHER = 1, 2, 0


class Tm(ctypes.Structure):
    _fields_ = [(name, ctypes.c_int) for name in "sec min hour mday mon year wday yday isdst".split()]
    _fields_ += [("rest", ctypes.c_byte * 32)]


def want(wanted, got, what):
    if got != wanted:
        sys.exit(f"{what}: {fx.FX_RcName(got).decode()}, wanted {fx.FX_RcName(wanted).decode()}")


def call(name, *arguments, wanted=0):
    want(wanted, getattr(fx, name)(*arguments), name)


def opened():
    session = U(0)
    call("FX_OpenSession_CN", ctypes.byref(session))
    return session.value


def field(message, bit):
    size = U(1000)
    text = ctypes.create_string_buffer(1000)
    call("FX_GetField", message, U(bit), text, ctypes.byref(size))
    return text.value.decode()


def request(session, kind, card, amount):
    message = ctypes.create_string_buffer(MESSAGE_SIZE)
    call("FX_BuildAuthMsg", session, kind, 0, card, amount, None, None, b"TERM0001", b"SHOP00000000001", None, None,
         b"12345678901", None, message)
    return message


def authorize(session, card, wanted):
    seq, response = U(0), ctypes.create_string_buffer(MESSAGE_SIZE)
    reason, code = ctypes.create_string_buffer(7), ctypes.create_string_buffer(7)
    call("FX_SendAuth", session, ctypes.byref(seq), reason, request(session, AUTH, card, b"10000"), None, None, None,
         ctypes.c_char(b"0"), response, code, None, None, None, wanted=wanted)
    return seq.value, reason.value.decode(), response


def event(session, name):
    while True:
        kind, seq, told = U(OTHER), U(0), ctypes.create_string_buffer(MESSAGE_SIZE)
        got = fx.FX_ReceiveMsg_CN(session, 0, ctypes.byref(kind), ctypes.byref(seq), told)
        if got == 10 or 0 < got < 41:
            sys.exit(f"no event {name}: {fx.FX_RcName(got).decode()}")
        if field(told, 120) == name:
            return got, field(told, 122)


def cut_date(session):
    tm = Tm()
    call("FX_GetCutDate", session, ctypes.byref(tm))
    return f"{tm.year + 1900:04}{tm.mon + 1:02}{tm.mday:02}"


def main():
    session = opened()
    call("FX_Connect", session)
    want(44, event(session, "link.signed_on")[0], "event")
    print("2 signed on", flush=True)
    print("3 session open", flush=True)
    seq, reason, response = authorize(session, b"4111111111111111", 0)
    assert reason == "000000" and field(response, 120) == "approved", reason
    call("FX_CaptureAuth", session, seq, None, None, 0, None)
    authorize(session, b"4999123412341234", 3)
    sale = U(0)
    call("FX_GetSeqNum", session, ctypes.byref(sale))
    call("FX_SendMsg_CN", session, sale, request(session, SALE, b"4111111111111111", b"500"), None, None, None)
    kind, number = U(SALE), U(0)
    call("FX_ReceiveMsg_CN", session, 0, ctypes.byref(kind), ctypes.byref(number), None)
    assert number.value == sale.value and kind.value == SALE
    call("FX_SendSystemCancel_CN", session, sale)
    call("FX_GetResult", session, sale, None, wanted=1)
    print("4 online", flush=True)
    call("FX_CloseSession", session)
    print("5 session closed", flush=True)
    session = opened()
    before = cut_date(session)
    call("FX_SendCutOverMsg", session)
    _, told = event(session, "cutover.completed")
    assert before < cut_date(session) == told, (before, told)
    deadline = time.monotonic() + 20
    while not fx.FX_IsReconciled(session):
        assert time.monotonic() < deadline, "not reconciled"
        time.sleep(0.02)
    print("6 cut over and reconciled", flush=True)
    call("FX_Disconnect", session)
    print("7 signed off", flush=True)
    call("FX_CtrlShutdown", session, 0)
    print("8 stopped", flush=True)


main()
