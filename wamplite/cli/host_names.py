"""By which names and addresses others reach this machine, as far as it knows itself (Linux)."""

from __future__ import annotations

import fcntl
import ipaddress
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from ..core.errors import UsageError

LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
NAME = re.compile(rf"(\*\.)?{LABEL}(\.{LABEL})*", re.I)
ADDRESS_OF = 0x8915  # SIOCGIFADDR
TEMPORARY, TENTATIVE = 0x01, 0x40  # addresses of IPv6: for a day, and not sure yet


def of_this_host() -> list[str]:
    """Return its name, with .local (mDNS) where that has no domain, localhost, its addresses."""
    name = socket.gethostname()
    names = [name] if "." in name else [name, f"{name}.local"]
    fitting = [each.lower() for each in names if NAME.fullmatch(each)]
    return list(dict.fromkeys([*fitting, "localhost", *sorted(_version_4()), *_version_6()]))


def checked(name: str) -> str:
    """Return a name or an address as certificates have it; UsageError where it is none."""
    try:
        return str(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        pass
    try:
        plain = name.encode("idna").decode() if not name.isascii() else name.lower()
    except UnicodeError:
        plain = ""
    if not NAME.fullmatch(plain) or len(plain) > 253:
        raise UsageError(f"expected the name of a host, or its address, not {name!r}")
    return plain


def is_address(name: str) -> bool:
    """Tell whether this is an address, of those that `checked` returns."""
    return ":" in name or name.replace(".", "").isdigit()


def _version_4() -> Iterator[str]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for _, name in socket.if_nameindex():
            try:
                told = fcntl.ioctl(sock, ADDRESS_OF, struct.pack("256s", name.encode()))
            except OSError:  # it has none
                continue
            yield socket.inet_ntoa(told[20:24])


def _version_6() -> Iterator[str]:
    try:
        lines = Path("/proc/net/if_inet6").read_text().splitlines()
    except OSError:  # a kernel without it
        return
    for line in lines:
        digits, _, _, _, flags, _ = line.split()
        address = ipaddress.IPv6Address(bytes.fromhex(digits))
        if not address.is_link_local and not int(flags, 16) & (TEMPORARY | TENTATIVE):
            yield str(address)
