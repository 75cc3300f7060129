"""Frames that a function of the user's decodes: `python:MODULE:FUNCTION`.

The function takes the frame (bytes) and returns a dict: keyword arguments; None: this frame is no
reading; anything else: the only argument. If it raises an exception the frame is undecodable.
"""

from __future__ import annotations

import logging
import pkgutil
from typing import Any

from ...core.errors import UsageError
from ..settings import DecodeSettings
from .readings import Decode, Reading, Undecodable, checked

__all__ = ["PREFIX", "python_decoder"]

PREFIX = "python:"

log = logging.getLogger(__name__)


def python_decoder(settings: DecodeSettings) -> Decode:
    """Return the decoder that calls the function named in `kind`, or given by a script."""
    function = settings.function or _found(settings.kind.removeprefix(PREFIX))
    logged: set[str] = set()  # kinds of exceptions

    def decode(frame: bytes) -> Reading:
        try:
            value = function(frame)
        except Undecodable:
            raise
        except Exception as exc:
            kind = type(exc).__name__
            if kind not in logged:
                logged.add(kind)
                log.exception("%s failed, from now on only counted: %.80r", settings.kind, frame)
            raise Undecodable(f"python: {kind}") from None
        if value is None:
            raise Undecodable("python: no reading")
        args, kwargs = ([], value) if type(value) is dict else ([value], {})
        return checked(Reading(args, kwargs, len(frame)))

    return decode


def _found(name: str) -> Any:
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        raise UsageError(f"a Python decoder is python:MODULE:FUNCTION, not {PREFIX}{name}")
    try:
        found = pkgutil.resolve_name(name)
    except Exception as exc:  # importing it runs code of the user's, which may raise anything
        raise UsageError(f"{PREFIX}{name}: {type(exc).__name__}: {exc}") from exc
    if not callable(found):
        raise UsageError(f"{PREFIX}{name} is no function but {found!r:.80}")
    return found
