"""Answers, one line for one line, by programs that are not ours: psec, pyemv and cryptography."""
import sys

from cryptography.hazmat.primitives import cmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from psec import cvv, des, mac, pin, pinblock, tr31
from pyemv import ac, kd

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import SM4
except ImportError:
    SM4 = algorithms.SM4


def b(word):
    return bytes.fromhex("" if word == "-" else word)


def h(data):
    return bytes(data).hex().upper() or "-"


def aes_cmac(key, data):
    c = cmac.CMAC(algorithms.AES(b(key)))
    c.update(data)
    return c.finalize()


def sm4_cbc(key, data):
    data = b(data)
    data += b"" if data and len(data) % 16 == 0 else bytes(16 - len(data) % 16)
    e = Cipher(SM4(b(key)), modes.CBC(bytes(16))).encryptor()
    return h((e.update(data) + e.finalize())[-16:])


def wrap(kbpk, version, algorithm, key):
    header = tr31.Header(version, "P0", algorithm, "E", "00", "E")
    return tr31.wrap(b(kbpk), header, b(key))


PAD = {"arqc_emv": ac.PaddingType.EMV, "arqc_visa": ac.PaddingType.VISA}
ANSWERS = {
    "cbc_mac": lambda k, d, p: h(mac.generate_cbc_mac(b(k), b(d), int(p))),
    "retail_mac": lambda k, d, p: h(mac.generate_retail_mac(b(k)[:8], b(k)[8:], b(d), int(p))),
    "aes_cmac": lambda k, d: h(aes_cmac(k, b(d))),
    "sm4_cbc": sm4_cbc,
    "pin_0": lambda p, n: h(pinblock.encode_pinblock_iso_0(p, n)),
    "pin_2": lambda p, n: h(pinblock.encode_pinblock_iso_2(p)),
    "pin_3": lambda p, n: h(pinblock.encode_pinblock_iso_3(p, n)),
    "open_3": lambda x, n: pinblock.decode_pinblock_iso_3(b(x), n),
    "pin_4": lambda k, p, n: h(pinblock.encipher_pinblock_iso_4(b(k), p, n)),
    "open_4": lambda k, x, n: pinblock.decipher_pinblock_iso_4(b(k), b(x), n),
    "kcv": lambda k: h(des.generate_kcv(b(k), 8)),
    "kcv_cmac": lambda k: h(aes_cmac(k, bytes(16))[:5]),
    "cvv": lambda k, n, e, s: cvv.generate_cvv(b(k), n, e, s),
    "pvv": lambda k, i, p, n: pin.generate_visa_pvv(b(k), i, p, n),
    "offset": lambda k, t, v, p: pin.generate_ibm3624_offset(b(k), t, p, v, 0, 16, "F"),
    "card_key": lambda k, n, s: h(kd.derive_icc_mk_a(b(k), n, s)),
    "session_key": lambda k, r: h(kd.derive_common_sk(b(k), b(r))),
    "arqc_emv": lambda k, d: h(ac.generate_ac(b(k), b(d), PAD["arqc_emv"])),
    "arqc_visa": lambda k, d: h(ac.generate_ac(b(k), b(d), PAD["arqc_visa"])),
    "arpc_1": lambda k, a, c: h(ac.generate_arpc_1(b(k), b(a), b(c))),
    "arpc_2": lambda k, a, c, o: h(ac.generate_arpc_2(b(k), b(a), b(c), b(o))),
    "unwrap": lambda k, x: h(tr31.unwrap(b(k), x)[1]),
    "wrap": wrap,
}


for line in sys.stdin:
    word, *arguments = line.split()
    try:
        print(ANSWERS[word](*arguments))
    except Exception as error:  # What they cannot do is an answer too, and agrees with nothing.
        print("!", type(error).__name__, str(error).replace("\n", " "))
