"""Make certificates for TLS: of the router, of clients, and who signs them.

    wamplite cert                        ca.pem, ca.key, and for this host router.pem, router.key
    wamplite cert --host pi.example.com --host 10.0.0.7
    wamplite cert client joe             joe.pem, joe.key: the router listens with --ca ca.pem
    wamplite cert renew                  router.pem anew; a running router shows it from then on
    wamplite cert renew joe
    wamplite cert renew ca               the authority itself: clients get the new ca.pem
    wamplite cert show                   names, end and fingerprints of router.pem

Clients say --ca ca.pem. Nobody needs ca.key but who signs: keep it where the router is not, if you
can. A certificate that is renewed keeps its key, and hence the fingerprint of that.
"""

from __future__ import annotations

import argparse
import time

from ..core.errors import UsageError
from ..transports.certificates import fingerprints, valid_until
from . import host_names
from .authority import CA, CLIENT, DAYS, ROUTER, Authority, der_of
from .common import positive, text

ACTIONS = ("router", "client", "renew", "show")
RESERVED = (CA, ROUTER)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite cert`."""
    add = parser.add_argument
    add("action", nargs="?", choices=ACTIONS, default="router", help="default: router")
    add("name", nargs="?", type=text, help="of a client; for renew and show also router, ca")
    add("-d", "--directory", default=".", metavar="DIR", help="of all files (default: here)")
    add(
        "--host",
        action="append",
        metavar="NAME",
        help="a name or address by which the router is reached; repeatable (default: the names and"
        " addresses that this machine has; with renew: those from before, and these)",
    )
    add("--days", type=positive, default=DAYS, metavar="N", help="default, and most: %(default)s")


def run(options: argparse.Namespace) -> int:
    """Make, renew or show certificates."""
    if options.days > DAYS:
        raise UsageError(f"--days is at most {DAYS}, not {options.days}: renew it in time")
    options.hosts = [host_names.checked(name) for name in options.host or ()]
    authority = Authority(options.directory)
    work = {"router": make, "client": make_client, "renew": renew, "show": show}
    work[options.action](authority, options)
    return 0


def make(authority: Authority, options: argparse.Namespace) -> None:
    """Make what a router needs."""
    if options.name is not None:
        raise UsageError(f"is {options.name!r} a name of the router? --host {options.name}")
    _check_free(authority, ROUTER)
    is_new = authority.found()
    authority.sign(ROUTER, options.hosts or host_names.of_this_host(), options.days)
    if is_new:
        print(f"{authority.path(CA)}: for clients, --ca; {authority.path(CA, 'key')}: for nobody")
    _tell(authority, ROUTER)


def make_client(authority: Authority, options: argparse.Namespace) -> None:
    """Make what a client shows."""
    name = options.name
    if name is None or not CLIENT.fullmatch(name) or name in RESERVED:
        raise UsageError(
            "client NAME: 1 to 64 letters, digits and _ . @ -, the first a letter, a digit or _;"
            f" not {' or '.join(RESERVED)}, nor {name!r}"
        )
    if options.hosts:
        raise UsageError("--host is for the router: a client is known by its name")
    _check_free(authority, name)
    authority.found()
    authority.sign(name, (), options.days)
    print(f"wamplite user add {name} --certificate cn:{name} ... lets it in, where the router")
    print(f"  listens with --ca {authority.path(CA)}")
    _tell(authority, name)


def renew(authority: Authority, options: argparse.Namespace) -> None:
    """Sign a certificate anew, with its names and its key."""
    name = options.name or ROUTER
    authority.key(name)
    if name == CA:
        authority.renew_itself()
    else:
        known = authority.hosts_of(name)
        if options.hosts and not known:
            raise UsageError(f"--host is for the router: {name} is a client, known by its name")
        authority.sign(name, list(dict.fromkeys([*known, *options.hosts])), options.days)
    _tell(authority, name)


def show(authority: Authority, options: argparse.Namespace) -> None:
    """Print what a certificate says."""
    _tell(authority, options.name or ROUTER)


def _tell(authority: Authority, name: str) -> None:
    path = authority.path(name)
    certificate = der_of(path)
    whole, key = fingerprints(certificate)
    until = time.strftime("%Y-%m-%d", time.gmtime(valid_until(certificate)))
    print(f"{path}: until {until}, its key is {authority.path(name, 'key')}")
    if known := authority.hosts_of(name):
        print(f"  for {', '.join(known)}")
    print(f"  fingerprint of the certificate  sha256:{whole}")
    print(f"  fingerprint of its key          sha256:{key}")


def _check_free(authority: Authority, name: str) -> None:
    for path in (authority.path(name), authority.path(name, "key")):
        if path.exists():
            raise UsageError(f"{path} is there already: wamplite cert renew {name} renews it")
