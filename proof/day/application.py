"""An application of a merchant for the scripts beside this: it loads the C library and does what it is told.

Argument: the library. Each line of standard input is a word, each answer one line of standard output:
open, close, pay [CARD], send, receive, cancel SEQ, result SEQ, day, event NAME. It ends with its input."""

import ctypes
import sys

fx = ctypes.CDLL(sys.argv[1])
fx.FX_RcName.restype = ctypes.c_char_p
U, SIZE, AUTH, SALE, OTHER = ctypes.c_uint32, 8192, 1, 2, 0
session, last = U(0), U(0)


def name(code):
    return fx.FX_RcName(code).decode()


def message():
    return ctypes.create_string_buffer(SIZE)


def field(of, bit):
    size, text = U(1000), ctypes.create_string_buffer(1000)
    return text.value.decode() if fx.FX_GetField(of, bit, text, ctypes.byref(size)) == 0 else ""


def built(kind, card):
    request = message()
    rc = fx.FX_BuildAuthMsg(session, kind, 0, card.encode(), b"10000", None, None, b"TERM0001", b"SHOP00000000001", None,
                            None, b"12345678901", None, request)
    return rc, request


def open_(*_):
    return name(fx.FX_OpenSession_CN(ctypes.byref(session)))


def close(*_):
    return name(fx.FX_CloseSession(session))


def pay(card="4111111111111111"):
    rc, request = built(AUTH, card)
    if rc == 0:
        rc = fx.FX_SendAuth(session, ctypes.byref(last), None, request, None, None, None, ctypes.c_char(b"0"), None, None,
                            None, None, None)
    if rc == 0:
        rc = fx.FX_CaptureAuth(session, last, None, None, 0, None)
    return f"{name(rc)} {last.value}"


def send(*_):
    rc, request = built(SALE, "4111111111111111")
    rc = rc or fx.FX_GetSeqNum(session, ctypes.byref(last))
    rc = rc or fx.FX_SendMsg_CN(session, last, request, None, None, None)
    return f"{name(rc)} {last.value}"


def receive(*_):
    kind, seq = U(SALE), U(last.value)
    return name(fx.FX_ReceiveMsg_CN(session, 0, ctypes.byref(kind), ctypes.byref(seq), None))


def cancel(seq):
    return name(fx.FX_SendSystemCancel_CN(session, int(seq)))


def result(seq):
    told = message()
    rc = fx.FX_GetResult(session, int(seq), told)
    return f"{name(rc)} {field(told, 120)}"


def day(*_):
    tm = (ctypes.c_int * 32)()
    rc = fx.FX_GetCutDate(session, tm)
    return f"{name(rc)} {tm[5] + 1900:04}-{tm[4] + 1:02}-{tm[3]:02}"


def event(wanted):
    while True:
        kind, seq, told = U(OTHER), U(0), message()
        rc = fx.FX_ReceiveMsg_CN(session, 0, ctypes.byref(kind), ctypes.byref(seq), told)
        if rc == 10 or 0 < rc < 41:
            return name(rc)
        if field(told, 120) == wanted:
            return f"{name(rc)} {wanted} {field(told, 122)}"


WORDS = {"open": open_, "close": close, "pay": pay, "send": send, "receive": receive, "cancel": cancel,
         "result": result, "day": day, "event": event}
for line in sys.stdin:
    word, *rest = line.split()
    print(f"{word}: {WORDS[word](*rest)}", flush=True)
