"""Exception classes of the user, and the error URIs that they stand for, in both directions."""

from __future__ import annotations

from ..core import uris
from ..core.errors import ApplicationError, UsageError


class Defined:
    """What `Session.define` was told."""

    def __init__(self) -> None:
        self.uris: dict[type[BaseException], str] = {}  # for what handlers raise
        self._classes: dict[str, type[BaseException]] = {}

    def add(self, exception: type[BaseException], error: str) -> None:
        """Let a class and a URI stand for each other; UsageError where they are none."""
        if not (isinstance(exception, type) and issubclass(exception, BaseException)):
            raise UsageError(f"expected an exception class for {error!r}, not {exception!r}")
        if not uris.is_valid(error):
            raise UsageError(f"{error!r} is not a valid error URI")
        self.uris[exception] = error
        self._classes[error] = exception

    def named(self, error: ApplicationError, request: str) -> BaseException:
        """Return what an ERROR that answers `request` stands for, with the ERROR as its cause."""
        error.request = request
        defined = self._classes.get(error.error)
        made = _made(error, defined) if defined is not None else None
        if made is None:
            return error
        made.__cause__ = error
        return made


def _made(error: ApplicationError, defined: type[BaseException]) -> BaseException | None:
    """Make the user's exception of an ERROR; None where its class takes nothing of what came."""
    own = (error.error,) if issubclass(defined, ApplicationError) else ()
    for kwargs in (error.kwargs, {}):
        try:
            made = defined(*own, *error.args, **kwargs)
        except Exception:
            continue
        if isinstance(made, BaseException):
            return made
    return None
