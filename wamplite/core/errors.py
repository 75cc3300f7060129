"""Every exception wamplite raises, and whose fault each one tells.

WampliteError
├── ProtocolError         the peer broke WAMP, or sent what cannot be decoded
├── UsageError            our own caller broke a promise (also a ValueError)
├── SessionNotReady       the session has not joined, or has left
├── TransportLost         the connection is gone (also a ConnectionError)
├── ConnectTimeout        nobody answered while connecting (also TransportLost, TimeoutError)
└── ApplicationError      the other side said no, with a URI, args and kwargs
    ├── NoSuchProcedure, InvalidArgument, NotAuthorized, Canceled, Unavailable
    ├── CallTimeout       no answer in time (also a TimeoutError)
    └── JoinRefused       the router answered HELLO with ABORT
        └── AuthenticationFailed   ... because of who we are (never retried)
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar, TypeVar

from . import uris


class WampliteError(Exception):
    """The root of the tree: catch it to catch whatever wamplite raises."""


class ProtocolError(WampliteError):
    """The peer broke WAMP; the text names the element or key that is wrong."""


class UsageError(WampliteError, ValueError):
    """Our own caller asked for something that cannot be done; the text says what was expected."""


class SessionNotReady(WampliteError):
    """The session has not joined its realm yet, or has left it."""


class TransportLost(WampliteError, ConnectionError):
    """The connection ended while somebody still needed it; the text says why."""


class ConnectTimeout(TransportLost, TimeoutError):
    """Nobody answered in time while the connection or the session was opened."""


class ApplicationError(WampliteError):
    """An ERROR or ABORT of the other side: its URI in `error`, its payload in `args`, `kwargs`."""

    uri: ClassVar[str | None] = None
    request = ""  # what was answered so, where we asked: "CALL of com.example.add2"
    details: Mapping[str, Any] = MappingProxyType({})  # ERROR.Details, both ways: ppt_scheme ...

    def __init__(self, error: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args)
        self.error = error
        self.kwargs = kwargs

    def __str__(self) -> str:
        shown = [repr(arg) for arg in self.args]
        shown += [f"{key}={value!r}" for key, value in self.kwargs.items()]
        what = f"{self.error} ({self.request})" if self.request else self.error
        return f"{what}: {', '.join(shown)}" if shown else what

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class NoSuchProcedure(ApplicationError):
    """Nobody has registered the procedure."""

    uri = uris.NO_SUCH_PROCEDURE


class InvalidArgument(ApplicationError):
    """The callee could not make sense of the arguments."""

    uri = uris.INVALID_ARGUMENT


class NotAuthorized(ApplicationError):
    """The session may not do this."""

    uri = uris.NOT_AUTHORIZED


class Canceled(ApplicationError):
    """The call was canceled, or its callee left."""

    uri = uris.CANCELED


class Unavailable(ApplicationError):
    """The callee, or the router on its behalf, cannot take the call now."""

    uri = uris.UNAVAILABLE


class CallTimeout(ApplicationError, TimeoutError):
    """The answer did not come in time."""

    uri = uris.TIMEOUT


class JoinRefused(ApplicationError):
    """The router answered HELLO with ABORT."""


class AuthenticationFailed(JoinRefused):
    """The router did not accept who we say we are; trying again cannot help."""


_KINDS: tuple[type[ApplicationError], ...] = (
    NoSuchProcedure,
    InvalidArgument,
    NotAuthorized,
    Canceled,
    Unavailable,
    CallTimeout,
)
BY_URI = {kind.uri: kind for kind in _KINDS} | {uris.CANCELLED: Canceled}

_Error = TypeVar("_Error", bound=ApplicationError)

AUTHENTICATION = frozenset(
    {
        uris.NO_MATCHING_AUTH_METHOD,
        uris.NO_SUCH_PRINCIPAL,
        uris.NO_SUCH_ROLE,
        uris.NOT_AUTHORIZED,
        uris.AUTHENTICATION_DENIED,
        uris.AUTHENTICATION_FAILED,
        uris.AUTHENTICATION_REQUIRED,
    }
)


def from_error(
    uri: str,
    args: list[Any] | None = None,
    kwargs: dict[str, Any] | None = None,
    details: dict[str, Any] | None = None,
) -> ApplicationError:
    """Build the exception that an ERROR with this URI stands for."""
    error = _build(BY_URI.get(uri, ApplicationError), uri, args, kwargs)
    if details:
        error.details = details
    return error


def from_abort(
    reason: str, args: list[Any] | None = None, kwargs: dict[str, Any] | None = None
) -> JoinRefused:
    """Build the exception that an ABORT in answer to HELLO stands for."""
    kind = AuthenticationFailed if reason in AUTHENTICATION else JoinRefused
    return _build(kind, reason, args, kwargs)


def _build(
    kind: type[_Error], uri: str, args: list[Any] | None, kwargs: dict[str, Any] | None
) -> _Error:
    values = args if type(args) is list else [] if args is None else [args]  # or one binary value
    error = kind(uri, *values)
    error.kwargs = dict(kwargs or {})  # not by **: `error` may be one of its keys
    return error
