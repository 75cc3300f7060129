"""A router in this process that a file configures, and reads again; what a key of it does."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import wamplite
from tests.router.conftest import Wire
from wamplite.auth import Ticket
from wamplite.configuration import files
from wamplite.configuration.build import Estate, cookies_of
from wamplite.configuration.reload import reload
from wamplite.router import Router

TEXT = """\
{top}
[router]
{router}
[[listener]]
url = "{url}"
{listener}
[[realm]]
name = "{name}"
anonymous = "{anonymous}"
{realm}
  [[realm.role]]
  name = "{role}"
    [[realm.role.permission]]
{permission}
{more}
"""
ALL = 'uri = ""\nmatch = "prefix"\nallow = ["call", "register", "publish", "subscribe"]'
USUAL = {
    "top": "",
    "router": "",
    "url": "tcp://127.0.0.1:0",
    "listener": "",
    "name": "home",
    "anonymous": "guest",
    "realm": "",
    "role": "guest",
    "permission": ALL,
    "more": "",
}


class House:
    """The router of a file, and who is connected to it."""

    def __init__(self, folder: Path, **parts: str) -> None:
        self.folder = folder
        self.opened = ExitStack()
        found = self._written(parts)
        cookies = cookies_of(found.router)
        self.router = self.opened.enter_context(
            Router(realms=[], cookies=cookies, **found.router.limits)
        )
        self.estate = Estate(self.router, found, cookies)
        list(self.estate.listen())

    def __enter__(self) -> House:
        return self

    def __exit__(self, *_: object) -> None:
        self.opened.close()

    def _written(self, parts: dict[str, str]) -> files.Configuration:
        path = self.folder / "wamplite.toml"
        path.write_text(TEXT.format(**{**USUAL, **parts}))
        return files.read(str(path))

    def reload(self, **parts: str) -> list[str]:
        """Have the file say something else, and read it again."""
        return reload(self.estate, self._written(parts))

    @property
    def url(self) -> str:
        """The first listener, as a RawSocket."""
        return next(iter(self.estate.urls.values())).replace("tcp:", "rs:").replace("tls:", "rss:")

    @property
    def port(self) -> int:
        return int(self.url.split(":")[2].partition("/")[0])

    def wire(self) -> Wire:
        """Connect, and say nothing."""
        wire = Wire(self.url)
        self.opened.callback(wire.close)
        return wire

    def guest(self, realm: str = "home", **details: Any) -> Wire:
        """Return somebody who has joined."""
        return self.wire().join(realm, **details)

    def log_in(self, authid: str, ticket: str, realm: str = "home") -> wamplite.Session:
        """Return a session by ticket."""
        session = wamplite.connect(self.url, realm=realm, auth=Ticket(authid, ticket))
        self.opened.callback(session.leave)
        return session

    def session(self, realm: str = "home") -> wamplite.Session:
        """Return a session by nothing."""
        return self.opened.enter_context(wamplite.connect(self.url, realm=realm))

    def silent(self, address: str = "127.0.0.1") -> socket.socket:
        """Return a socket that has said nothing yet."""
        sock = socket.create_connection(("127.0.0.1", self.port), 10, (address, 0))
        self.opened.callback(sock.close)
        return sock

    def http(self, path: str, *headers: str, method: str = "GET", body: str = "") -> str:
        """Return status line and headers of an answer."""
        host = () if any(each.startswith("Host") for each in headers) else ("Host: localhost",)
        lines = [f"{method} {path} HTTP/1.1", *host, *headers, f"Content-Length: {len(body)}"]
        sock = self.silent()
        sock.sendall("\r\n".join([*lines, "", body]).encode())
        told = b""
        while b"\r\n\r\n" not in told and (data := sock.recv(4096)):
            told += data
        return told.partition(b"\r\n\r\n")[0].decode()

    def upgrade(self, *headers: str) -> str:
        """Return what a WebSocket's request is answered."""
        return self.http(
            "/ws",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Protocol: wamp.2.json",
            *headers,
        )

    def counted(self, name: str) -> int:
        return self.router.counters.get(name, 0)


class Case(NamedTuple):
    """What a file says before and after, and what is seen of it.

    probe: asked before and after. told: what a reload tells, where that is not that it was done.
    """

    before: dict[str, str]
    after: dict[str, str]
    probe: Callable[[House], Any]
    was: Any
    becomes: Any
    told: str = ""


def times(attempt: Callable[[int], bool], most: int = 5) -> int:
    """Return how many times something can be done."""
    done = 0
    while done < most and attempt(done):
        done += 1
    return done
