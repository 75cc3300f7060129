"""Frames that a function of the user's decodes: `python:MODULE:FUNCTION`.

The function takes the frame (bytes) and returns a dict: keyword arguments; None: this frame is no
reading; anything else: the only argument. If it raises an exception the frame is undecodable.
"""

from __future__ import annotations

import logging
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...core.errors import UsageError
from ...keys import setting
from ...schema import FunctionKind, Text
from .decoder import DecodeSettings, decoder_kind
from .readings import Decode, Reading, Undecodable, checked

__all__ = ["KIND", "PREFIX", "PythonSettings"]

PREFIX = "python:"

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PythonSettings(DecodeSettings):
    """What a function returns: a dict is by name, None no reading, anything else the argument."""

    kind: str = setting(Text(), "`python:MODULE:FUNCTION`", PREFIX)
    function: Callable[[bytes], Any] | None = setting(
        FunctionKind(), "the function itself; only in a script", None
    )

    def make(self) -> Decode:
        function = self.function or _found(self.kind.removeprefix(PREFIX))
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
                    log.exception("%s failed, from now on only counted: %.80r", self.kind, frame)
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


KIND = decoder_kind(PREFIX, PythonSettings)
