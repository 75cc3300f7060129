"""Let a new device in, without a password and without copying files.

    where the router's users.toml is:
        wamplite pair lamp --realm home --role device --url tls://pi.local:8443
    on the device, with the line that this prints, or that its QR code holds:
        wamplite pair --accept 'tls://pi.local:8443?realm=home&...'

The line tells where the router is, the fingerprint of its key, and a ticket that lets in one
device, once, within ten minutes: hand it over as you would a password. The device makes a key of
its own, which it keeps, and a profile: `wamplite pub` and the other verbs then connect there, as
lamp, unless --url says otherwise. The router must run within TLS, with that users.toml, and be able
to write it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from .. import whole_file
from ..configuration.users_file import NAME
from ..core.errors import TransportLost, UsageError
from ..core.words import are_missing
from ..file_errors import doing
from . import pairing_line, profile
from .common import environment, positive, text
from .pairing_line import PairingLine
from .profile import Profile
from .streams import complain

MINUTES = 10
CERT = "router.pem"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite pair`."""
    add = parser.add_argument
    add("authid", nargs="?", type=text, help="who the device will be")
    add("-r", "--realm", type=text, default=environment("REALM"))
    add("--role", type=text, help="where it is a new user")
    add("-u", "--url", help="of the router, as the device dials it: tls, wss, rss")
    add("--file", default=environment("USERS", NAME), help="default: %(default)s")
    add("--cert", default=CERT, metavar="FILE", help="that the router shows (default: %(default)s)")
    add("--minutes", type=positive, default=MINUTES, metavar="N", help="default: %(default)s")
    add("--accept", metavar="LINE", help="on the device; -: a line of stdin")
    add("--force", action="store_true", help="with --accept: in the place of another profile")


def run(options: argparse.Namespace) -> int:
    """Invite a device, or be one."""
    if options.accept is not None:
        accept(options)
        return 0
    missing = [name for name in ("authid", "realm", "url") if not getattr(options, name)]
    if missing:
        raise UsageError(f"pair AUTHID --realm NAME --url URL: {are_missing(missing)}")
    print(invite(options))
    return 0


def invite(options: argparse.Namespace) -> str:
    """Write down that a device may pair; return the line for it. Its QR code goes to a terminal."""
    from ..auth.cryptosign import verifying
    from ..configuration import doubts, enrolling
    from ..transports.certificates import fingerprints
    from .authority import der_of

    verifying()  # else the device could not come back
    url = pairing_line.checked(options.url)
    _, key = fingerprints(der_of(Path(options.cert)))
    seconds = options.minutes * 60.0
    for doubt in doubts.of_user(options.file, options.realm, options.role):
        complain(f"perhaps not meant: {doubt}")
    given = (options.file, options.realm, options.authid, options.role)
    line = str(PairingLine(url, *given[1:3], key, enrolling.invite(*given, seconds)))
    if sys.stdout.isatty():
        from . import qr

        print(qr.code(line) or "For a QR code: pip install segno")
    complain(f"for one device, once, within {options.minutes} min: wamplite pair --accept 'LINE'")
    return line


def accept(options: argparse.Namespace) -> None:
    """Pair this device: store its key, hand in the public one, and store the profile."""
    from ..auth.ed25519 import InPython

    said = pairing_line.parse(sys.stdin.readline() if options.accept == "-" else options.accept)
    known = profile.path()
    if known is None:
        raise UsageError("there is no home directory: set $HOME, or $WAMPLITE_PROFILE")
    place = Path(known)
    if place.exists() and not options.force:
        raise UsageError(f"{place} is there already: --force puts another in its place")
    seed = os.urandom(32)
    pubkey = InPython().pubkey(seed).hex()
    key = place.with_name(f"{pubkey[:16]}.key")
    with doing("keep the profile in", place.parent):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        whole_file.put(key, f"{seed.hex()}\n".encode())  # before anybody counts on it
    try:
        _hand_in(said, seed, pubkey)
    except BaseException:
        key.unlink()
        raise
    found = Profile(said.url, said.realm, said.authid, f"sha256:{said.fingerprint}", key.name)
    with doing("keep the profile in", place):
        whole_file.put(place, profile.as_toml(found).encode())
    print(f"{said.authid} of realm {said.realm} at {said.url}: see {place}")


def _hand_in(said: PairingLine, seed: bytes, pubkey: str) -> None:
    """Hand in the public key, and come back by it; where the router lacks the answer, too."""
    from .. import auth
    from ..auth.pairing import Pairing
    from ..client.connect import connect

    def join(proof: Any) -> None:
        connect(said.url, said.realm, fingerprint=said.fingerprint, auth=proof).leave()

    try:
        join(Pairing(said.authid, said.ticket, pubkey))
    except TransportLost as error:  # perhaps the key had arrived
        complain(f"{error}; trying whether the router has the key")
    join(auth.CryptoSign(said.authid, seed.hex()))
