"""JSON, through the standard library, or through orjson where it is installed.

Bytes travel as text: NUL, then base64 (RFC "Binary conversion of JSON Strings"). Of a key that
comes twice the last one wins. The depth is counted on the bytes, before a decoder recurses.
"""

from __future__ import annotations

import json
import re
import signal
from base64 import b64decode, b64encode
from binascii import a2b_base64, b2a_base64
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from ..core.errors import ProtocolError, UsageError
from .base import Serializer
from .flaws import Flaw, judged
from .headers import FEW_VALUES
from .json_pieces import check_depth, count_some, read
from .payload import (
    LEVELS,
    MAX_LENGTH,
    MAX_TOTAL,
    SMALL,
    Rules,
    check_all,
    check_message,
    check_surrogates,
)
from .pieces import Form

_heard = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
try:
    import orjson  # crashes where Ctrl-C meets its beginning
except ImportError:  # the extra `fast` is not installed
    orjson = None  # type: ignore[assignment]
finally:
    signal.pthread_sigmask(signal.SIG_SETMASK, _heard)

LONGEST = 48 * 1024  # characters or octets that are written at once; whole groups of base64
_DIGITS = bytes(ord("0") if octet in b"0123456789" else ord(" ") for octet in range(256))
_FEWEST_DIGITS = b"0" * 19  # of an integer from 2**63 on
_MOST_DIGITS = 20  # of 2**64-1; a sign may stand before them
_HUGE = 2.0**63  # orjson turns integers from here on into floats without a word
# What most large messages are: numbers, few options, perhaps a URI, and arguments of which the last
# is a long text. Behind these octets there is nothing but that, where none of all is a backslash.
_begin_with_short = re.compile(
    rb'\[[0-9]{1,16},[0-9]{1,16},(?:[0-9]{1,16},)?\{(?:"\w{1,32}":(?:true|false))?\},'
    rb'(?:"[^"]{0,255}",)?\[(?:(?:[0-9]{1,16}|"[^"]{0,31}"),){0,4}"'
).match
_EASY = 256  # bytes: of less, to look at all may be as fast


def _ends_with_long(data: bytes) -> bool:
    """Tell whether a message is short values and a long text: nothing has to be asked but JSON."""
    if data[-3:] != b'"]]' or 0x5C in data:
        return False
    found = _begin_with_short(data)
    return found is not None and data.find(b'"', found.end()) == len(data) - 3


def _to_text(value: Any) -> str:
    if type(value) is bytes:
        return "\0" + b64encode(value).decode()
    raise TypeError(f"a value must not be {type(value).__name__}")


def _from_base64(text: str) -> bytes:
    """Read base64 and nothing else: reading loosely and comparing is three times as fast."""
    data = a2b_base64(text)
    return data if b2a_base64(data, newline=False) == text.encode() else b64decode(text, None, True)


def _refuse(why: str) -> NoReturn:
    raise ProtocolError(why)


def _flawed(why: str) -> Flaw:
    return Flaw(why, "")


def _to_bytes(value: Any, otherwise: Callable[[str], Any] = _refuse) -> Any:
    """Turn text that begins with NUL into the bytes it stands for, in a decoded value."""
    if type(value) is str and value[:1] == "\0":
        try:
            return _from_base64(value[1:])
        except ValueError:
            return otherwise("JSON: after NUL there must be base64")
    if type(value) is list:
        return [_to_bytes(item, otherwise) for item in value]
    if type(value) is dict:
        return {key: _to_bytes(item, otherwise) for key, item in value.items()}
    return value


def _to_int(digits: str) -> int:
    number = int(digits) if len(digits) <= _MOST_DIGITS else 1 << 64
    if not -(1 << 63) <= number < 1 << 64:
        raise ProtocolError("an integer must lie between -2**63 and 2**64-1")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ProtocolError(f"JSON: {name} is not a number that JSON knows")


_decode = json.JSONDecoder(parse_int=_to_int, parse_constant=_refuse_constant).decode
_encode = json.JSONEncoder(
    separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_to_text
).encode
_SURROGATES = Rules(texts=check_surrogates, keys=check_surrogates)


def _ends(value: Any) -> tuple[bytes, bytes]:
    return (b"[", b"]") if type(value) is list else (b"{", b"}")


class Json(Serializer):
    """JSON by the standard library."""

    name = "json"
    binary = False

    def dumps(self, array: list[Any]) -> bytes:
        try:
            return _encode(array).encode()
        except (TypeError, ValueError, RecursionError) as exc:
            raise UsageError(f"JSON cannot carry the message: {exc}") from exc

    @property
    def form(self) -> Form | None:
        return Form(self.dumps, _ends, b",", LONGEST, self._write_long)

    def _write_long(self, value: Any) -> bytes:
        """Write a long text or binary in pieces: others may go on between two of them."""
        cuts = (value[at : at + LONGEST] for at in range(0, len(value), LONGEST))
        if type(value) is bytes:
            return b'"\\u0000' + b"".join(b64encode(cut) for cut in cuts) + b'"'
        return b'"' + b"".join(self.dumps(cut)[1:-1] for cut in cuts) + b'"'

    def with_head(self, written: bytes, head: list[Any], other: list[Any]) -> bytes:
        return self.dumps(other)[:-1] + written[len(self.dumps(head)) - 1 :]

    def loads(self, data: bytes) -> Any:
        try:
            check_depth(data)
            array = _decode(data.decode())
            if b"\\u" in data:
                array = _to_bytes(array)
                check_all(array, _SURROGATES)
            else:
                check_message(array)
        except Exception:  # whatever a decoder says of hostile bytes: what is wrong, `read` says
            return self._loads_with_care(data)
        return array

    def _loads_with_care(self, data: bytes) -> Any:
        """Read what the quick way refuses, and say what is wrong."""
        return judged(_to_bytes(read(data), _flawed))


class _Huge(Exception):
    """A float that may have been an integer."""


def _check_huge(floats: Iterable[float]) -> None:
    if max(map(abs, floats)) >= _HUGE:
        raise _Huge


def _asks_values(data: bytes) -> bool:
    """Tell whether to look at the values of a large message: they are few, too many, or huge."""
    if count_some(data, b",", FEW_VALUES) < FEW_VALUES:
        return True
    if len(data) > MAX_LENGTH:
        commas = data.count(b",")
        if commas >= MAX_LENGTH or commas + data.count(b"[") + data.count(b"{") > MAX_TOTAL:
            return True
    return _FEWEST_DIGITS in data.translate(_DIGITS)


class FastJson(Json):
    """JSON by orjson; what it reads differently from the standard library is read again by that."""

    def dumps(self, array: list[Any]) -> bytes:
        try:
            return orjson.dumps(array, _to_text)
        except (TypeError, ValueError) as exc:
            raise UsageError(f"JSON cannot carry the message: {exc}") from exc

    @property
    def form(self) -> None:
        """Have it written whole: it takes a tenth of the time."""

    def loads(self, data: bytes) -> Any:
        size = len(data)
        try:
            if size > _EASY and _ends_with_long(data):
                return orjson.loads(data)
            if size > LEVELS:
                check_depth(data)
            array = orjson.loads(data)
            if 0x5C in data and b"\\u0000" in data:  # an integer is found the soonest
                array = _to_bytes(array)
            if size > SMALL:
                is_odd = _asks_values(data)
            else:
                is_odd = data.translate(_DIGITS).find(_FEWEST_DIGITS) >= 0
            if is_odd or type(array) is not list:
                check_message(array, _check_huge)
        except _Huge:
            return super().loads(data)
        except Exception:
            return self._loads_with_care(data)
        return array


def make() -> Json:
    """Return the faster of the two."""
    return FastJson() if orjson else Json()
