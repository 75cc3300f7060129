"""Telegrams of meters, encoded: SML, DLMS in frames of HDLC, M-Bus."""

from __future__ import annotations

import struct
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from tests.bridge.framing.devices import of

ESCAPE = b"\x1b" * 4


def little(kind: str, data: bytes) -> bytes:
    return of(kind, data).to_bytes(2, "little")


# ---- SML


class Unsigned(int):
    """A number that SML is to encode without a sign."""


def element(value: Any) -> bytes:
    """Encode None, bytes, numbers and lists as SML has them."""
    if value is None:
        return b"\x01"
    if isinstance(value, list):
        return bytes([0x70 | len(value)]) + b"".join(map(element, value))
    if isinstance(value, bool):
        return b"\x42" + bytes([value])
    if isinstance(value, int):
        signed = not isinstance(value, Unsigned)
        size = max(1, (value.bit_length() + signed + 7) // 8)
        kind = 0x50 if signed else 0x60
        return bytes([kind | size + 1]) + value.to_bytes(size, "big", signed=signed)
    size = len(value) + 1
    if size < 16:
        return bytes([size]) + value
    size += 1  # of two bytes
    return bytes([0x80 | size >> 4, size & 0x0F]) + value


def sml_message(tag: int, body: list[Any]) -> bytes:
    head = b"\x76" + b"".join(map(element, (b"\0\1\2\3", Unsigned(0), Unsigned(0))))
    head += element([Unsigned(tag), body])
    return head + element(Unsigned(of("crc16-x25", head))) + b"\0"


def sml_entry(
    obis: str, value: Any, scaler: int | None = None, unit: int | None = None
) -> list[Any]:
    name = bytes.fromhex(obis)
    told = None if unit is None else Unsigned(unit)
    return [name, None, None, told, scaler, value, None]


def sml_telegram(*entries: list[Any]) -> bytes:
    """Return a telegram whose list has these entries, between the messages that open and close."""
    listed = [None, b"\x0a\x01EMH", bytes.fromhex("0100620affff"), [Unsigned(1), Unsigned(77)]]
    content = sml_message(0x0101, [None, None, b"\0\1", b"\x0a\x01EMH", None, None])
    content += sml_message(0x0701, [*listed, list(entries), None, None])
    content += sml_message(0x0201, [None])
    content = content.replace(ESCAPE, ESCAPE * 2)
    fill = -len(content) % 4
    whole = ESCAPE + b"\x01" * 4 + content + bytes(fill) + ESCAPE + bytes([0x1A, fill])
    return whole + little("crc16-x25", whole)


# ---- DLMS


def data(value: Any) -> bytes:
    """Encode lists, structures (tuples), texts, octets, and numbers: (format, number)."""
    if isinstance(value, list):
        return bytes([1, len(value)]) + b"".join(map(data, value))
    if isinstance(value, str):
        return bytes([10, len(value)]) + value.encode()
    if isinstance(value, bytes):
        return bytes([9, len(value)]) + value
    if value is None:
        return b"\0"
    first, *others = value
    if isinstance(first, str) and first in TAGS and len(others) == 1:
        return bytes([TAGS[first]]) + struct.pack(">" + first, others[0])
    return bytes([2, len(value)]) + b"".join(map(data, value))


TAGS = {"i": 5, "I": 6, "b": 15, "h": 16, "B": 22, "H": 18, "q": 20, "f": 23}


def notification(told: Any, clock: bytes = b"\0") -> bytes:
    return b"\x0f\x40\0\0\0" + clock + data(told)


def hdlc_frame(told: Any, clock: bytes = b"\0", kind: int = 0xA000) -> bytes:
    return hdlc(notification(told, clock), kind)


def hdlc(told: bytes, kind: int = 0xA000, before: bytes = b"\xe6\xe7\0") -> bytes:
    """Return a frame of HDLC that carries a telegram of DLMS."""
    payload = before + told
    head = b"\x41\x08\x83\x13"
    size = 2 + len(head) + 2 + len(payload) + 2
    header = (kind | size).to_bytes(2, "big") + head
    header += little("crc16-x25", header)
    content = header + payload
    return b"\x7e" + content + little("crc16-x25", content) + b"\x7e"


def ciphered(plain: bytes, key: bytes, authentication: bytes | None, control: int) -> bytes:
    """Return general-glo-ciphering of a telegram; authentication: its key, None: no tag."""
    title, counter = b"KAM\x12\x34\x56\x78\x9a", b"\0\0\x01\x02"
    whole = AESGCM(key).encrypt(title + counter, plain, bytes([control]) + (authentication or b""))
    tag = b"" if authentication is None else whole[len(plain) :][:12]
    body = bytes([control]) + counter + whole[: len(plain)] + tag
    size = bytes([len(body)]) if len(body) < 128 else b"\x82" + len(body).to_bytes(2, "big")
    return b"\xdb" + bytes([len(title)]) + title + size + body


def obis(text: str) -> bytes:
    return bytes(map(int, text.split(".")))


# ---- M-Bus


def mbus_telegram(*records: str, ci: int = 0x72, signature: str = "0000") -> bytes:
    """Return a telegram of records in hexadecimal digits."""
    header = bytes.fromhex("12345678")[::-1] + b"\x2d\x2c\x01\x04\x07\x10"
    header += bytes.fromhex(signature)
    content = bytes([0x08, 0x01, ci]) + header + bytes.fromhex("".join(records))
    return (
        b"\x68" + bytes([len(content)]) * 2 + b"\x68" + content
        + bytes([of("sum8", content), 0x16])
    )  # fmt: skip
