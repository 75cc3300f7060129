"""Frames as devices send them, with what proves them, made anew for each number."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import NamedTuple

from wamplite.bridge.framing.checksums import KINDS, START, Checksum
from wamplite.bridge.framing.delimiter import Delimited
from wamplite.bridge.framing.fixed import Fixed
from wamplite.bridge.framing.framing import Framing
from wamplite.bridge.framing.hdlc import Hdlc
from wamplite.bridge.framing.length import Length, LengthPrefixed
from wamplite.bridge.framing.mixed import Mixed
from wamplite.bridge.framing.proof import Proof


class DeviceKind(NamedTuple):
    """What a device sends for a number, what of it is the frame, and the framing that cuts it."""

    sent: Callable[[int], bytes]
    frame: Callable[[bytes], bytes]
    make: Callable[[], Framing]
    proved: Callable[[bytes], bytes] = bytes  # what of a frame its proof covers
    pauses: bool = False  # it answers when it is asked, and pauses behind its answer


def of(kind: str, data: bytes) -> int:
    return KINDS[kind].compute(data)


def sds011(number: int) -> bytes:
    content = number.to_bytes(4, "little") + b"\xa1\x60"
    return b"\xaa\xc0" + content + bytes([of("sum8", content)]) + b"\xab"


def bm(content: bytes) -> bytes:
    frame = b"BM" + (len(content) + 2).to_bytes(2, "big") + content
    return frame + of("sum16", frame).to_bytes(2, "big")


def pms5003(number: int) -> bytes:
    return bm(number.to_bytes(4, "big") + bytes(range(22)))


def mhz19(number: int) -> bytes:
    content = b"\x86" + number.to_bytes(4, "big") + b"\0\0"
    return b"\xff" + content + bytes([of("sum8-negated", content)])


def p1(number: int) -> bytes:
    lines = [b"/ISk5\\2MT382-1000", b"", b"1-3:0.2.8(50)", b"1-0:1.7.0(%06.3f*kW)" % (number / 1e3)]
    return telegram(*lines, b"0-1:24.2.1(101209112500W)(%09d*m3)" % number)


def telegram(*lines: bytes) -> bytes:
    text = b"\r\n".join([*lines, b"!"])
    return text + b"%04X\r\n" % of("crc16-arc", text)


def vedirect(number: int) -> bytes:
    fields = [b"PID\t0xA389", b"V\t%d" % number, b"I\t-%d" % (number % 7), b"PPV\t4", b"SER#\tHQ1"]
    return block(*fields)


def block(*fields: bytes) -> bytes:
    text = b"".join(b"\r\n" + field for field in (*fields, b"Checksum\t"))
    return text + bytes([of("sum8-negated", text)])


def interrupted(number: int) -> bytes:
    """Return a block of VE.Direct with HEX messages: within it, also within a word, and behind."""
    sent, message = vedirect(number), b":A%X\n" % (number << 8)
    at = number % (len(sent) - 1)
    return sent[:at] + message * (1 + number % 2) + sent[at:] + message * (number % 3)


def ppp(number: int) -> bytes:
    content = b"\xff\x03\0\x21" + number.to_bytes(4, "big") + b"}~\x11\x13"
    content += of("crc16-x25", content).to_bytes(2, "little")
    for byte in b"}~\x11\x13":
        content = content.replace(bytes([byte]), bytes([0x7D, byte ^ 0x20]))
    return b"~" + content + b"~"


def unstuffed(sent: bytes) -> bytes:
    head, *parts = sent.strip(b"~").split(b"}")
    return head + b"".join(bytes([part[0] ^ 0x20]) + part[1:] for part in parts)


def receiver(number: int) -> bytes:
    """Return what a receiver sends that speaks two languages: a sentence, or a frame of UBX."""
    text = b"GPHDT,%d.%d,T" % (number, number % 10)
    return ubx(number) if number % 2 else b"$%s*%02X\r\n" % (text, of("xor", text))


def ubx(number: int) -> bytes:
    return nav_pvt(number.to_bytes(4, "little") + bytes(16))


def nav_pvt(payload: bytes) -> bytes:
    content = b"\x01\x07" + len(payload).to_bytes(2, "little") + payload
    return b"\xb5\x62" + content + of("fletcher8", content).to_bytes(2, "big")


def esp3(number: int) -> bytes:
    data = b"\xa5" + number.to_bytes(4, "big") + b"\x01\x02\x03\x04\x00"
    optional = b"\x00\xff\xff\xff\xff\x2d\x00"
    header = len(data).to_bytes(2, "big") + bytes([len(optional), 1])
    body = data + optional
    return b"\x55" + header + bytes([of("crc8", header)]) + body + bytes([of("crc8", body)])


def sml(number: int) -> bytes:
    content = b"\x1b" * 4 + b"\x01" * 4 + b"\x76\x05" + number.to_bytes(8, "big") + b"\0\0"
    content += b"\x1b" * 4 + b"\x1a\x02"
    return content + of("crc16-x25", content).to_bytes(2, "little")


def mbus(number: int) -> bytes:
    content = b"\x08\x01\x72" + number.to_bytes(8, "little")
    head = b"\x68" + bytes([len(content)]) * 2 + b"\x68"
    return head + content + bytes([of("sum8", content)]) + b"\x16"


def hdlc(number: int) -> bytes:
    payload = b"\xe6\xe7\x00\x0f\x7e" + number.to_bytes(8, "big")  # the flag may stand within
    header = (0xA000 | (2 + 4 + 2 + len(payload) + 2)).to_bytes(2, "big") + b"\x41\x08\x83\x13"
    header += of("crc16-x25", header).to_bytes(2, "little")
    content = header + payload
    return b"\x7e" + content + of("crc16-x25", content).to_bytes(2, "little") + b"\x7e"


def iec(number: int) -> bytes:
    content = b"1.8.0(%09d*kWh)\r\n!\r\n\x03" % number
    return b"\x02" + content + bytes([of("xor", content)])


def as_sent(sent: bytes) -> bytes:
    return sent


LITTLE_X25 = Checksum("crc16-x25", byteorder="little")
DEVICES = {
    "sds011": DeviceKind(
        sds011,
        lambda sent: sent[2:],
        lambda: Fixed(8, b"\xaa\xc0", proof=Proof((Checksum("sum8", (0, 6), 6),), b"\xab")),
    ),
    "pms5003": DeviceKind(
        pms5003,
        lambda sent: sent[4:],
        lambda: LengthPrefixed(
            2, start=b"\x42\x4d", proof=Proof((Checksum("sum16", (START, -2)),)), max_bytes=64
        ),
    ),
    "mhz19": DeviceKind(
        mhz19,
        lambda sent: sent[1:],
        lambda: Fixed(8, b"\xff", gap=0.1, proof=Proof((Checksum("sum8-negated"),))),
        pauses=True,
    ),
    "p1": DeviceKind(
        p1,
        lambda sent: sent[:-2],
        lambda: Delimited(
            b"!", b"/", trailer=4, keep=True,
            proof=Proof((Checksum("crc16-arc", (START, -4), in_hex=True),)),
        ),
    ),
    "vedirect": DeviceKind(
        vedirect,
        as_sent,
        lambda: Delimited(
            b"\r\nChecksum\t", b"\r\nPID\t", trailer=1, keep=True,
            proof=Proof((Checksum("sum8-negated", (START, -1)),)),
        ),
    ),
    "vedirect with hex": DeviceKind(
        interrupted,
        lambda sent: re.sub(rb":A[0-9A-F]+\n", b"", sent),
        lambda: Delimited(
            b"\r\nChecksum\t", b"\r\nPID\t", trailer=1, keep=True, aside=(b":", b"\n"),
            proof=Proof((Checksum("sum8-negated", (START, -1)),)),
        ),
    ),
    "ppp": DeviceKind(ppp, unstuffed, lambda: Hdlc(proof=Proof((LITTLE_X25,)))),
    "ubx": DeviceKind(
        ubx,
        as_sent,
        lambda: LengthPrefixed(
            2, "little", start=b"\xb5\x62", offset=2, adjust=2, max_bytes=100, keep=True,
            proof=Proof((Checksum("fletcher8"),)),
        ),
    ),
    "receiver": DeviceKind(
        receiver,
        lambda sent: sent.removesuffix(b"\r\n"),
        lambda: Mixed([
            Delimited(
                b"*", b"$", 100, trailer=2, keep=True,
                proof=Proof((Checksum("xor", (0, -3), in_hex=True),)),
            ),
            LengthPrefixed(
                2, "little", start=b"\xb5\x62", offset=2, adjust=2, max_bytes=100, keep=True,
                proof=Proof((Checksum("fletcher8"),)),
            ),
        ]),
    ),
    "esp3": DeviceKind(
        esp3,
        as_sent,
        lambda: LengthPrefixed(
            2, start=b"\x55", more=(Length(2, 1),), adjust=4, keep=True,
            proof=Proof((Checksum("crc8", (0, 4), 4), Checksum("crc8", (5, -1)))),
        ),
    ),
    "sml": DeviceKind(
        sml,
        as_sent,
        lambda: Delimited(
            b"\x1b\x1b\x1b\x1b\x1a", b"\x1b\x1b\x1b\x1b\x01\x01\x01\x01", trailer=3, keep=True,
            proof=Proof((Checksum("crc16-x25", (START, -2), byteorder="little"),)),
        ),
    ),
    "mbus": DeviceKind(
        mbus,
        as_sent,
        lambda: LengthPrefixed(
            1, start=b"\x68", adjust=4, max_bytes=259, keep=True,
            proof=Proof((Checksum("sum8", (3, -2), -2),), b"\x16"),
        ),
        lambda frame: frame[4:],  # the second length may be wrong
    ),
    "hdlc": DeviceKind(
        hdlc,
        lambda sent: sent[:-1],
        lambda: LengthPrefixed(
            2, start=b"\x7e", mask=0x07FF, adjust=-2, max_bytes=2047, keep=True,
            proof=Proof((Checksum("crc16-x25", (0, 6), 6, "little"), LITTLE_X25)),
        ),
    ),
    "iec": DeviceKind(
        iec,
        lambda sent: sent[1:-2],
        lambda: Delimited(b"\x03", b"\x02", trailer=1, proof=Proof((Checksum("xor"),))),
    ),
}  # fmt: skip


def damage(sent: bytes, chance: random.Random) -> bytes:
    """Flip a bit, lose a byte, or lose all from there on."""
    at = chance.randrange(len(sent))
    changed = bytes([sent[at] ^ 1 << chance.randrange(8)])
    return chance.choice([
        sent[:at] + changed + sent[at + 1 :],
        sent[:at] + sent[at + 1 :],
        sent[:at],
    ])  # fmt: skip
