"""What a session is joined with: the keywords of connect(), checked before anything is dialled.

`connect` names each of them for readers and editors; `Component` and `Router.connect` pass on what
they are given, and say at once which keyword is none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from .. import features as by_name
from .. import serializers
from ..core import uris
from ..core.errors import ProtocolError, UsageError
from ..core.handshake import ClientMethod
from ..transports import batches
from ..transports.base import MOST
from .options import checked_timeout
from .passthru import PayloadScheme, Schemes
from .values import Default
from .workers import MOST_THREADS

if TYPE_CHECKING:
    import ssl
    from typing import TypedDict

    from ..transports.tls import TlsOptions

    class JoiningKeywords(TypedDict, total=False):
        """The keywords of Router.connect(), for editors."""

        connect_timeout: float
        timeout: float | None
        auth: Auth | Sequence[Auth] | None
        authmethods: Mapping[str, ClientMethod] | None
        authid: str | None
        authrole: str | None
        authextra: dict[str, Any] | None
        features: by_name.Wanted
        ping_interval: float | None
        max_invocations: int
        concurrent: bool
        default: Default | None
        ppt_schemes: Schemes | None
        assume_features: Iterable[str]

    class Keywords(JoiningKeywords, total=False):
        """The keywords of connect(), for editors."""

        serializer: str | None
        tls: TlsOptions | ssl.SSLContext | None
        ca: str | None
        fingerprint: str | None
        max_message_size: int
        headers: Mapping[str, str] | None
        proxy: str | None
        compress: bool


class Auth(Protocol):
    """A way to say who one is: Ticket and the others of wamplite.auth."""

    authid: str | None

    def methods(self, tls: Any) -> dict[str, ClientMethod]:
        """Return how each of its methods is begun in one session, the best first.

        tls: transports.tls.TlsFacts within TLS, else None.
        """


class Terms(NamedTuple):
    """All that connect() takes."""

    url: str
    realm: str
    serializer: str | None = None
    connect_timeout: float = 10.0
    tls: TlsOptions | ssl.SSLContext | None = None
    ca: str | None = None  # when checked, it and the next are in tls
    fingerprint: str | None = None
    max_message_size: int = MOST
    headers: Mapping[str, str] | None = None
    proxy: str | None = None
    compress: bool = False
    timeout: float | None = 30.0
    auth: Any = None  # an Auth or several; when checked, several
    authmethods: Mapping[str, ClientMethod] | None = None
    authid: str | None = None
    authrole: str | None = None
    authextra: dict[str, Any] | None = None
    features: by_name.Wanted = "standard"
    ping_interval: float | None = 20.0
    max_invocations: int = MOST_THREADS
    concurrent: bool = True
    default: Default | None = None
    ppt_schemes: Schemes | None = None
    assume_features: Iterable[str] = ()


# nothing of it is asked in one process
DIALLING = (
    "serializer",
    "tls",
    "ca",
    "fingerprint",
    "max_message_size",
    "headers",
    "proxy",
    "compress",
)
KEYWORDS = Terms._fields[2:]
JOINING = tuple(name for name in KEYWORDS if name not in DIALLING)


def check_keywords(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """Refuse a keyword that is none, as Python does, and name the nearest that is one."""
    known = list(known)
    for name in given:
        if name not in known:
            from difflib import get_close_matches

            near = get_close_matches(name, known, 1)
            hint = f", perhaps {near[0]}" if near else f"; there are: {', '.join(known)}"
            raise TypeError(f"{what} got an unexpected keyword argument {name!r}{hint}")


def checked(terms: Terms) -> Terms:
    """Return the terms, or raise UsageError for a value that cannot be meant; nothing is dialled.

    Features are made at each session anew.
    """
    for name, (wanted, fits) in CHECKS.items():
        value = getattr(terms, name)
        if not fits(value):
            raise UsageError(f"{name} must be {wanted}, not {value!r}")
    if terms.timeout is not None:
        checked_timeout(terms.timeout)
    if not uris.is_valid(terms.realm):
        raise UsageError(f"{terms.realm!r} is not a valid realm")
    serializers.get(batches.split(terms.serializer or "json")[0])
    try:
        serializers.check_payload([terms.authextra], None)
    except ProtocolError as error:
        raise UsageError(f"authextra: {error}") from None
    features = terms.features if isinstance(terms.features, str) else tuple(terms.features)
    by_name.for_client(features)
    assumed = tuple(terms.assume_features)
    terms = _with_trust(terms._replace(features=features, assume_features=assumed))
    return with_auth(terms)


def _with_trust(terms: Terms) -> Terms:
    """Return the terms with `ca` and `fingerprint` in `tls`."""
    if terms.ca is None and terms.fingerprint is None:
        return terms
    from ..transports.tls import TlsOptions  # ssl is heavy

    if terms.tls is not None:
        raise UsageError("ca and fingerprint: say them in tls=TlsOptions(...), where that is given")
    options = TlsOptions(cafile=terms.ca, fingerprint=terms.fingerprint)
    return terms._replace(tls=options, ca=None, fingerprint=None)


def with_auth(terms: Terms) -> Terms:
    """Return the terms with who one is by `auth`, of which there may be several."""
    given = terms.auth
    if given is None:
        return terms
    several: list[Any] = [given] if hasattr(given, "methods") else list(given)
    named = {auth.authid for auth in several if auth.authid is not None}
    if len(named) > 1 or terms.authid not in (None, *named):
        raise UsageError(f"auth: one session has one authid, not {sorted(named)}")
    return terms._replace(auth=several, authid=next(iter(named), terms.authid))


def _is_time(value: Any) -> bool:
    return type(value) is not bool and isinstance(value, (int, float)) and 0 <= value < 1e9


def _is_text_or_none(value: Any) -> bool:
    return value is None or isinstance(value, str)


def _is_tls(value: Any) -> bool:
    return value is None or isinstance(value, tuple) or hasattr(value, "wrap_bio")


def _are_features(value: Any) -> bool:
    if isinstance(value, str):
        return value in by_name.GROUPS
    return not isinstance(value, bytes) and isinstance(value, Iterable)


def _are_names(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(name, str) for name in value)


def _is_auth(value: Any) -> bool:
    several = value if isinstance(value, (list, tuple)) else [value]
    return value is None or (
        bool(several)
        and all(hasattr(each, "methods") and hasattr(each, "authid") for each in several)
    )


def _are_authmethods(value: Any) -> bool:
    return value is None or (isinstance(value, Mapping) and all(map(callable, value.values())))


def _are_schemes(value: Any) -> bool:
    return value is None or (
        isinstance(value, Mapping)
        and all(isinstance(name, str) and name for name in value)
        and all(isinstance(scheme, PayloadScheme) for scheme in value.values())
    )


CHECKS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "url": ("a string like ws://127.0.0.1:8080/ws", lambda value: isinstance(value, str)),
    "realm": ("a URI like realm1", lambda value: isinstance(value, str)),
    "serializer": ("one of " + ", ".join(serializers.NAMES), _is_text_or_none),
    "connect_timeout": ("seconds above 0", lambda value: _is_time(value) and value > 0),
    "tls": ("TlsOptions or an ssl.SSLContext", _is_tls),
    "ca": ("the path of a file", _is_text_or_none),
    "fingerprint": ("a SHA-256 in hexadecimal digits", _is_text_or_none),
    "max_message_size": ("bytes above 0", lambda value: type(value) is int and value > 0),
    "auth": ("one of wamplite.auth, like Ticket, or a list of them", _is_auth),
    "authmethods": ("a dict of names and functions that begin a dialogue", _are_authmethods),
    "authid": ("a string", _is_text_or_none),
    "authrole": ("a string", _is_text_or_none),
    "authextra": ("a dict", lambda value: value is None or type(value) is dict),
    "features": ("basic, standard, all, or a list of names", _are_features),
    "assume_features": ("a list of names", _are_names),
    "ping_interval": (
        "seconds, 0 or more, or None",
        lambda value: value is None or _is_time(value),
    ),
    "default": (
        "a function, like wamplite.to_plain",
        lambda value: value is None or callable(value),
    ),
    "ppt_schemes": ("a dict of names and PayloadSchemes", _are_schemes),
    "max_invocations": ("a number above 0", lambda value: type(value) is int and value > 0),
    "concurrent": ("a bool", lambda value: type(value) is bool),
    "compress": ("a bool", lambda value: type(value) is bool),
}
