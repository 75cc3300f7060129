"""How the command line reports an error: a text on stderr, and an exit code."""

from __future__ import annotations

from ..core import errors, uris
from ..file_errors import why


def exit_code(error: errors.WampliteError) -> int:
    """Return the exit code that stands for an error."""
    if isinstance(error, errors.UsageError):
        return 2
    if isinstance(error, errors.TransportLost):
        return 3
    return 4 if isinstance(error, TimeoutError) else 1


def in_words(error: errors.WampliteError) -> str:
    """Return the text for stderr; that of a WAMP error starts with its URI."""
    if isinstance(error, errors.ProtocolError):
        return f"{uris.PROTOCOL_VIOLATION}: {error}"
    return str(error)


def of_system(error: OSError) -> str:
    """Return the text for stderr of what the system refused: which file, why, and what to do."""
    return f"{error.filename}: {why(error)}" if error.filename else why(error)
