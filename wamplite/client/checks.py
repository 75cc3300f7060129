"""What is asked of our own caller before anything is sent: a violation would cost the session."""

from __future__ import annotations

from typing import Any

from ..core import uris
from ..core.errors import UsageError
from .values import Default, sendable

FEW = 1000  # arguments that need no counting


def in_order(uri: Any, handler: Any) -> tuple[str, Any]:
    """Return URI and handler, whichever came first."""
    if callable(uri):
        uri, handler = handler, uri
    if not isinstance(uri, str):
        raise UsageError(f"expected a URI and a handler, not {uri!r} and {handler!r}")
    return uri, handler


def check_uri(what: str, uri: str, match: str = "exact") -> None:
    """Refuse a URI that the router would refuse, or drop without a word."""
    is_valid = uris.is_valid if match == "exact" else uris.is_valid_pattern
    if not isinstance(uri, str) or not is_valid(uri):
        raise UsageError(f"{what}: {uri!r} is not a valid URI: {uris.flaw(uri)}")


def check_request(
    what: str, uri: str, args: list[Any], kwargs: dict[str, Any], default: Default | None = None
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments as they can be sent; refuse what cannot be, before anything is."""
    if type(uri) is not str or not uris.is_valid(uri):
        check_uri(what, uri)
    if not kwargs and len(args) <= FEW and _are_plain(args):
        return args, kwargs
    try:
        return sendable(args, kwargs, default)
    except UsageError as error:
        raise UsageError(f"{what} of {uri}: {error}") from error.__cause__


def _are_plain(values: list[Any]) -> bool:
    """Tell whether the gate has nothing to ask of these values: a call is half as dear then."""
    for value in values:
        kind = type(value)
        if kind is str:
            if not value.isascii() or value[:1] == "\0":
                return False
        elif kind is int:
            if not -(1 << 63) <= value < 1 << 64:
                return False
        elif kind is not bool and value is not None:
            return False
    return True
