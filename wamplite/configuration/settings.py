"""What the file of a router says, as plain values with their defaults: every key in one place.

Sizes are bytes and times seconds once they are read. How a key is added is told in keys.py.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..auth import pairing
from ..auth.offers import METHODS
from ..auth.permissions import ACTIONS, DISCLOSURES, Permission
from ..core.matching import ORDER
from ..keys import TableSettings, section, setting
from ..schema import Flag, Text, Texts, Uri, Whole
from ..tables import Tables
from ..units import Duration, Size
from . import checks
from .kinds import FileName

AUTHMETHODS = (*METHODS, pairing.NAME, "cookie", "anonymous")
NAME = Text(pattern=r"[^\s]{1,255}", wanted="a name without spaces")
PATTERN = Text(pattern="[^\\s#]*", wanted="a URI, or one that fits `match`")
MATCH = Text(*ORDER)
PATIENCE = Duration(0.001, 3600)


@dataclass(frozen=True, kw_only=True)
class PermissionSettings(TableSettings):
    """What a role may do with the URIs that one URI or pattern finds; the best match decides."""

    uri: str = setting(
        PATTERN, "URI; {authid} and {role} stand for the session's own", example="home."
    )
    match: str = setting(MATCH, "how it finds URIs", "exact", example="prefix")
    allow: tuple[str, ...] = setting(
        Texts(*ACTIONS),
        "what is allowed; [] takes away what a wider one gives",
        (),
        example=ACTIONS,
    )
    disclose_caller: str = setting(
        Text(*DISCLOSURES), "whether a callee is told who calls", "asked"
    )
    disclose_publisher: str = setting(
        Text(*DISCLOSURES), "whether a subscriber is told who publishes", "asked"
    )
    trustlevel: int | None = setting(Whole(0, 1000), "what is told of how far one is trusted", None)

    def made(self) -> Permission:
        """Return the permission, with the place where it stands; UsageError where it is none."""
        return Permission(
            self.uri,
            self.match,
            self.allow,
            disclose_caller=self.disclose_caller,
            disclose_publisher=self.disclose_publisher,
            trustlevel=self.trustlevel,
            origin=str(self.at or ""),
        )


@dataclass(frozen=True, kw_only=True)
class RoleSettings(TableSettings):
    """A role, and what it may do: what it is not allowed is forbidden."""

    name: str = setting(NAME, "what users and `anonymous` name", example="sensor")
    permissions: tuple[PermissionSettings, ...] = setting(
        Tables(section(PermissionSettings, checks.permission)),
        "what it may do",
        (),
        name="permission",
    )


STORE = "a file in which they outlive the router; {realm} is the realm's name; none: in memory"


@dataclass(frozen=True, kw_only=True)
class KeptSettings(TableSettings):
    """What the events of some topics are kept by."""

    uri: str = setting(PATTERN, "the topics", example="home.")
    match: str = setting(MATCH, "how it finds topics", "exact", example="prefix")
    max_age: float = setting(
        Duration(), "how long an event is kept; 0: for ever", 0.0, example="7 d"
    )
    max_bytes: int = setting(Size(1024), "how much in all", 16 * 2**20)
    store: str = setting(FileName(of_state=True), STORE, "", example="retained.db")


@dataclass(frozen=True, kw_only=True)
class RetainSettings(KeptSettings):
    """Which retained events are kept, how long, and where; without any: all, in memory."""

    max_topics: int = setting(Whole(1, 10_000_000), "of how many topics", 10_000)


@dataclass(frozen=True, kw_only=True)
class HistorySettings(KeptSettings):
    """Of which topics the past events can be asked for."""

    uri: str = setting(PATTERN, "the topics", example="home.log.")
    store: str = setting(FileName(of_state=True), STORE, "", example="history.db")
    max_events: int = setting(Whole(1, 10_000_000), "how many of each topic", 1000)


@dataclass(frozen=True, kw_only=True)
class RealmSettings(TableSettings):
    """A realm: who may join, and who may do what. Without any: realm1, open to this machine."""

    name: str = setting(Uri(), "its name, a URI", example="home")
    features: tuple[str, ...] = setting(
        Texts(), "basic, standard, all, or names of features", ("standard",)
    )
    strict: bool = setting(Flag(), "request ids must start at 1 and step by 1", False)
    users: str = setting(
        FileName(), "the file of its users, made by `wamplite user`", "", example="users.toml"
    )
    anonymous: str = setting(
        NAME, "the role of whoever does not say who it is; none: nobody such", "", example="guest"
    )
    authenticator: str = setting(
        Uri(), "a procedure that is asked about whom the users' file does not have", ""
    )
    authenticator_cache: float = setting(Duration(), "how long its yes holds", 0.0)
    authenticator_timeout: float = setting(
        PATIENCE, "until no answer is a no; below handshake_timeout", 5.0
    )
    authorizer: str = setting(Uri(), "a procedure that is asked where no permission speaks", "")
    authorizer_cache: float = setting(Duration(), "how long its answers hold", 60.0)
    authorizer_timeout: float = setting(PATIENCE, "until no answer is a no", 5.0)
    roles: tuple[RoleSettings, ...] = setting(
        Tables(section(RoleSettings, checks.role)), "its roles", (), name="role"
    )
    retain: tuple[RetainSettings, ...] = setting(
        Tables(section(RetainSettings, checks.pattern)), "what is retained", ()
    )
    history: tuple[HistorySettings, ...] = setting(
        Tables(section(HistorySettings, checks.pattern)), "what can be asked for later", ()
    )


@dataclass(frozen=True, kw_only=True)
class ListenerSettings(TableSettings):
    """Where the router listens. Without any: tcp://127.0.0.1:8080."""

    url: str = setting(
        Text(),
        "tcp or tls (WebSocket, RawSocket and HTTP on one port), ws, wss, rs, rss, unix, serial",
        example="tcp://127.0.0.1:8080",
    )
    cert: str = setting(FileName(), "within TLS: its certificate, PEM", "", example="router.pem")
    key: str = setting(FileName(), "within TLS: its private key, PEM", "", example="router.key")
    ca: str = setting(FileName(), "who signs the certificates of clients, for the method tls", "")
    auth: tuple[str, ...] | None = setting(
        Texts(*AUTHMETHODS),
        "which methods of its realms it offers; none: all that are safe there",
        None,
        example=("scram", "cryptosign"),
    )
    allow_anonymous_network: bool = setting(
        Flag(), "beyond loopback, too, nobody has to say who it is, where a realm allows it", False
    )
    allowed_origins: tuple[str, ...] = setting(
        Texts(), "whose web pages may connect, as http://host:*", ()
    )
    allowed_hosts: tuple[str, ...] = setting(Texts(), "names of this host, for web pages", ())
    trusted_proxies: tuple[str, ...] = setting(
        Texts(),
        "reverse proxies (addresses, networks, unix) whose X-Forwarded-For tells who connects",
        (),
        example=("10.0.0.7", "fd00::/8"),
    )
    proxy_protocol: bool = setting(
        Flag(), "they begin each connection with a PROXY header, which tells it instead", False
    )
    longpoll: bool = setting(Flag(), "serve sessions over HTTP requests at /lp", False)
    compress: bool = setting(Flag(), "agree to deflated messages over WebSocket", False)
    metrics: str = setting(
        Uri(),
        "a realm: whose role there may call wamplite.router.stats reads /metrics; none: nobody",
        "",
        example="home",
    )
