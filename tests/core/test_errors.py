"""Exceptions: whose fault, which URI, what text."""

from __future__ import annotations

import inspect

import pytest

from wamplite.core import errors, uris
from wamplite.core.errors import (
    ApplicationError,
    AuthenticationFailed,
    CallTimeout,
    Canceled,
    ConnectTimeout,
    JoinRefused,
    NoSuchProcedure,
    ProtocolError,
    SessionNotReady,
    TransportLost,
    UsageError,
    WampliteError,
    from_abort,
    from_error,
)


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (UsageError, ValueError),
        (TransportLost, ConnectionError),
        (ConnectTimeout, TimeoutError),
        (ConnectTimeout, TransportLost),
        (CallTimeout, TimeoutError),
        (CallTimeout, ApplicationError),
        (AuthenticationFailed, JoinRefused),
        (JoinRefused, ApplicationError),
        (ProtocolError, WampliteError),
        (SessionNotReady, WampliteError),
    ],
)
def test_an_exception_can_be_caught_by_its_broader_kind(
    kind: type[Exception], builtin: type[Exception]
) -> None:
    assert issubclass(kind, builtin)


def test_every_exception_stands_in_the_tree_of_the_docstring() -> None:
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
    own = [kind for kind in kinds if kind.__module__ == errors.__name__]
    assert all(issubclass(kind, WampliteError) for kind in own)
    assert all(kind.__name__ in str(errors.__doc__) for kind in own)


def test_an_application_error_shows_its_uri_and_its_payload() -> None:
    error = ApplicationError("com.example.broken", 7, "why", unit="C")
    assert str(error) == "com.example.broken: 7, 'why', unit='C'"
    assert repr(error) == "ApplicationError(\"com.example.broken: 7, 'why', unit='C'\")"
    assert (error.error, error.args, error.kwargs) == (
        "com.example.broken",
        (7, "why"),
        {"unit": "C"},
    )
    assert str(ApplicationError("com.example.broken")) == "com.example.broken"


@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        (uris.NO_SUCH_PROCEDURE, NoSuchProcedure),
        (uris.TIMEOUT, CallTimeout),
        (uris.CANCELED, Canceled),
        (uris.CANCELLED, Canceled),
        ("com.example.broken", ApplicationError),
    ],
)
def test_an_error_becomes_the_exception_of_its_uri(uri: str, kind: type[Exception]) -> None:
    error = from_error(uri, [1], {"error": "also a key"})
    assert type(error) is kind
    assert (error.error, error.args, error.kwargs) == (uri, (1,), {"error": "also a key"})


def test_an_error_without_payload_has_an_empty_one() -> None:
    error = from_error(uris.CANCELED)
    assert (error.args, error.kwargs, error.details) == ((), {}, {})


def test_an_error_keeps_the_details_of_its_message() -> None:
    assert from_error(uris.CANCELED, details={"ppt_scheme": "x_mine"}).details == {
        "ppt_scheme": "x_mine"
    }


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (uris.NO_SUCH_REALM, JoinRefused),
        (uris.AUTHENTICATION_FAILED, AuthenticationFailed),
        (uris.NOT_AUTHORIZED, AuthenticationFailed),
    ],
)
def test_an_abort_tells_whether_trying_again_can_help(reason: str, kind: type[Exception]) -> None:
    error = from_abort(reason, ["no"], None)
    assert type(error) is kind
    assert str(error) == f"{reason}: 'no'"
