"""What an error is to whoever typed the command: a text on stderr, and an exit code."""

from __future__ import annotations

from ..core import errors, uris

NOBODY = (ConnectionRefusedError, FileNotFoundError)  # listens, at a port or a Unix socket


def exit_code(error: errors.WampliteError) -> int:
    """Return the exit code that stands for an error."""
    if isinstance(error, errors.UsageError):
        return 2
    if isinstance(error, errors.TransportLost):
        return 3
    return 4 if isinstance(error, TimeoutError) else 1


def in_words(error: errors.WampliteError) -> str:
    """Return the text for stderr: a WAMP error starts with its URI."""
    if isinstance(error, errors.ProtocolError):
        return f"{uris.PROTOCOL_VIOLATION}: {error}"
    if isinstance(error.__cause__, NOBODY) and isinstance(error, errors.TransportLost):
        return f"{error}: is `wamplite router` running there?"
    if isinstance(error, errors.ApplicationError) and error.error == uris.FEATURE_NOT_SUPPORTED:
        return f"{error} (start it with --feature pattern_based_subscription)"
    return str(error)
