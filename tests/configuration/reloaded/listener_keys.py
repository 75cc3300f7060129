"""[[listener]]: what is seen of each key once a reload has changed it."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from typing import Any

import wamplite
from tests.router.conftest import connections
from tests.transports.streams import make_certificate
from wamplite.auth import Scram
from wamplite.core.errors import WampliteError
from wamplite.transports.tls import TlsOptions

from .house import Case, House

TLS = {"url": "tls://127.0.0.1:0"}
FILES = 'cert = "one.pem"\nkey = "one.key"\n'


def key(name: str, before: str, after: str, more: str = "", **parts: str) -> dict[str, Any]:
    """Return a file before and after, in which one key changes."""
    several = {"before": before, "after": after}
    lines = {when: f"{name} = {value}\n" if value else "" for when, value in several.items()}
    return {when: {"listener": line + more, **parts} for when, line in lines.items()}


def furnish(folder: Path) -> None:
    """Write two certificates, the second with a key that is another's, too."""
    for name in ("one", "two"):
        (folder / name).mkdir()
        made = make_certificate(folder / name)
        Path(made.cert).rename(folder / f"{name}.pem")
        Path(made.key).rename(folder / f"{name}.key")
    both = (folder / "two.pem").read_bytes() + (folder / "two.key").read_bytes()
    (folder / "both.pem").write_bytes(both)
    (folder / "both.pem").chmod(0o600)
    (folder / "copy.key").write_bytes((folder / "one.key").read_bytes())
    (folder / "copy.key").chmod(0o600)
    (folder / "token").write_text("0123456789abcdef\n")
    (folder / "token").chmod(0o600)


def shown(house: House) -> str:
    """Return which certificate is shown."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with context.wrap_socket(house.silent()) as sock:
        digest = hashlib.sha256(sock.getpeercert(binary_form=True) or b"").digest()
    for name in ("one", "two"):
        text = (house.folder / f"{name}.pem").read_text()
        if hashlib.sha256(ssl.PEM_cert_to_DER_cert(text)).digest() == digest:
            return name
    return "none"


def key_file(house: House) -> str:
    """Return the name of the private key that is read."""
    (listener,) = house.router._listeners
    return Path(str(listener._certificate._files[1])).name  # type: ignore[union-attr]


def wants_certificates(house: House) -> bool:
    """Tell whether somebody who shows a certificate is known by it."""
    cert, private = str(house.folder / "one.pem"), str(house.folder / "one.key")
    tls = TlsOptions(cert, certfile=cert, keyfile=private)
    try:
        with wamplite.connect(
            house.url.replace("127.0.0.1", "localhost"),
            realm="home",
            tls=tls,
            auth=wamplite.auth.ClientCertificate(),
        ):
            return True
    except WampliteError:
        return False  # fmt: skip


def methods(house: House) -> list[str]:
    """Return by which methods joe gets in."""
    found = []
    for auth in (wamplite.auth.Ticket("joe", "s3cret"), Scram("joe", "s3cret")):
        try:
            with wamplite.connect(house.url, realm="home", auth=auth) as session:
                found.append(str(session.authmethod).removeprefix("wamp-"))
        except WampliteError:
            continue
    return found


def lets_in_anybody(house: House) -> bool:
    try:
        return bool(house.guest())
    except AssertionError:
        return False


def scheme(house: House) -> str:
    return next(iter(house.estate.urls.values())).split(":")[0]


def page(origin: str = "http://elsewhere:8", host: str = "localhost") -> Any:
    return lambda house: house.upgrade(f"Origin: {origin}", f"Host: {host}").split()[1]


def status(path: str, *headers: str, method: str = "GET") -> Any:
    return lambda house: house.http(path, *headers, method=method).split()[1]


def seen(house: House) -> str:
    """Return for whom a connection counts that a proxy has opened."""
    sock = house.silent()
    headers = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    headers += "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nHost: localhost\r\n"
    headers += "Sec-WebSocket-Protocol: wamp.2.json\r\nX-Forwarded-For: 192.0.2.7\r\n"
    sock.sendall(f"GET /ws HTTP/1.1\r\n{headers}\r\n".encode())
    assert sock.recv(4096).startswith(b"HTTP/1.1 101")
    (connection,) = connections(house.router)
    found = connection.origin
    sock.close()
    return found


def introduced(house: House) -> bool:
    """Tell whether a PROXY header is taken."""
    sock = house.silent()
    sock.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.8 1 2\r\n\x7f\xf1\0\0")
    return sock.recv(4)[:1] == b"\x7f"


def compresses(house: House) -> bool:
    told = house.upgrade("Sec-WebSocket-Extensions: permessage-deflate")
    return "permessage-deflate" in told


NETWORK = {"url": "tcp://0.0.0.0:0"}
USERS = {"realm": 'users = "users.toml"'}
CERT = "cookie_max_age = 0"
CASES = {
    "url": Case(
        {"url": "tcp://127.0.0.1:0"}, {"url": "rs://127.0.0.1:0"}, scheme, "tcp", "rs"
    ),
    "cert": Case(
        {"listener": FILES, **TLS}, {"listener": 'cert = "both.pem"\nkey = "two.key"\n', **TLS},
        shown, "one", "two",
    ),
    "key": Case(
        {"listener": FILES, **TLS}, {"listener": 'cert = "one.pem"\nkey = "copy.key"\n', **TLS},
        key_file, "one.key", "copy.key",
    ),
    "ca": Case(
        **key("ca", "", '"one.pem"', FILES, **TLS, **USERS), probe=wants_certificates,
        was=False, becomes=True,
    ),
    "auth": Case(
        **key("auth", '["ticket"]', '["scram"]', **USERS), probe=methods,
        was=["ticket"], becomes=["scram"],
    ),
    "allow_anonymous_network": Case(
        **key("allow_anonymous_network", "false", "true", **NETWORK, **USERS),
        probe=lets_in_anybody, was=False, becomes=True,
    ),
    "allowed_origins": Case(
        **key("allowed_origins", "[]", '["http://elsewhere:*"]'), probe=page(),
        was="403", becomes="101",
    ),
    "allowed_hosts": Case(
        **key("allowed_hosts", "[]", '["pi.home"]'), probe=page("http://pi.home:9", "pi.home:9"),
        was="403", becomes="101",
    ),
    "trusted_proxies": Case(
        **key("trusted_proxies", '["192.0.2.9"]', '["127.0.0.1"]', **USERS), probe=seen,
        was="127.0.0.1", becomes="192.0.2.7",
    ),
    "proxy_protocol": Case(
        **key("proxy_protocol", "false", "true", 'trusted_proxies = ["127.0.0.1"]', **USERS),
        probe=introduced, was=False, becomes=True,
    ),
    "longpoll": Case(
        **key("longpoll", "false", "true"), probe=status("/lp/x/send", method="POST"),
        was="405", becomes="404",
    ),
    "compress": Case(**key("compress", "false", "true"), probe=compresses, was=False, becomes=True),
    "metrics": Case(
        **key("metrics", "", '"home"'), probe=status("/metrics"), was="404", becomes="200"
    ),
}  # fmt: skip
