"""What a serial:// URL says: which port, how it is set, and how large messages on it may be.

serial:///dev/ttyUSB0?baud=115200        docs/serial-line.md lists the keys
"""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from ..core.errors import UsageError

SCHEME = "serial"
DEVICE_SENDS = 1024  # bytes of the largest message from a device, unless the URL says otherwise
HOST_SENDS = 2048
MOST = 1 << 24


class Address(NamedTuple):
    """A serial port and what is agreed on it. The sizes are bytes of a message."""

    device: str
    baud: int = 115200
    rtscts: bool = False
    max_receive: int = DEVICE_SENDS
    max_send: int = HOST_SENDS
    authid: str = ""  # the next four: for who listens
    authrole: str = "device"
    realm: str = ""  # "": any
    call_timeout: float = 30.0  # seconds for the device to answer an invocation; 0: for ever

    @property
    def name(self) -> str:
        """The port's name: the last part of its path."""
        return self.device.rpartition("/")[2]

    @property
    def url(self) -> str:
        """The URL, without the keys that have their default."""
        given = {
            key: int(value) if isinstance(value, bool) else value
            for key, value in self._asdict().items()
            if key not in ("device", "max_receive", "max_send") and value != DEFAULTS[key]
        }
        return f"{SCHEME}://{quote(self.device)}?{urlencode({'baud': self.baud, **given})}"


DEFAULTS = Address("")._asdict()
NUMBERS = {  # -> least, most
    "baud": (50, 4_000_000),
    "max_receive": (64, MOST),
    "max_send": (64, MOST),
    "call_timeout": (0, 86400),
}


def parse(url: str, *, listening: bool = False) -> Address:
    """Read a serial URL; UsageError says what is wrong with it."""
    parts = urlsplit(url)
    if parts.scheme != SCHEME or parts.netloc or parts.fragment or len(parts.path) < 2:
        raise UsageError(f"{url}: expected serial:///dev/NAME?baud=115200")
    ours, theirs = (DEVICE_SENDS, HOST_SENDS) if listening else (HOST_SENDS, DEVICE_SENDS)
    settings: dict[str, object] = {"max_receive": ours, "max_send": theirs}
    for key, text in parse_qsl(parts.query, keep_blank_values=True):
        settings[key] = _read(url, key, text)
    return Address(unquote(parts.path))._replace(**settings)  # type: ignore[arg-type]


def _read(url: str, key: str, text: str) -> object:
    if key not in DEFAULTS or key == "device":
        from difflib import get_close_matches  # to refuse alone

        known = [name for name in DEFAULTS if name != "device"]
        near = get_close_matches(key, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise UsageError(f"{url}: unknown key {key}; {hint}")
    if key == "rtscts":
        if text not in ("0", "1"):
            raise UsageError(f"{url}: rtscts must be 0 or 1, not {text!r}")
        return text == "1"
    if key not in NUMBERS:
        return text
    least, most = NUMBERS[key]
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise UsageError(f"{url}: {key} must be {least} to {most}, not {text!r}")
    return int(text)
