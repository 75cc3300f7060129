"""Frames that a function of the user's decodes: `python:MODULE:FUNCTION`.

The function takes the frame, as bytes; one that takes a second argument is told its `header`, what
the framing left out before it, and when it has `begun`. It returns a dict: keyword arguments; None:
this frame is no reading; anything else: the only argument. One that yields has several readings of
a frame, all or none. Undecodable("battery low") refuses the frame for that reason; after any other
exception it is undecodable.
"""

from __future__ import annotations

import inspect
import logging
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from ...core.errors import UsageError
from ...keys import setting
from ...schema import FunctionKind, Text
from ..framing.frame import DeviceFrame
from .decoder import DecodeSettings, decoder_kind
from .readings import Decode, Decoder, Reading, Undecodable, checked

__all__ = ["KIND", "PREFIX", "PythonSettings"]

PREFIX = "python:"
PLACES = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
MOST = 1000  # readings of one frame

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class PythonSettings(DecodeSettings):
    """What a function returns, or yields: a dict is by name, None no reading, else the argument."""

    kind: str = setting(Text(), "`python:MODULE:FUNCTION`", PREFIX)
    function: Callable[[bytes], Any] | None = setting(
        FunctionKind(), "the function itself; only in a script", None
    )

    def decoder(self) -> Decoder:
        return super().decoder()._replace(wants_frames=True)

    def judge(self, decode: Decode) -> Decode | None:
        return self._matching(lambda frame: Reading([], {}, 0)) if self.match else None

    def make(self) -> Decode:
        call = _caller(self.function or _found(self.kind.removeprefix(PREFIX)))
        logged: set[str] = set()  # kinds of exceptions

        def decode(frame: bytes) -> Reading:
            try:
                value = call(frame)
                if isinstance(value, Iterator):  # it yields readings
                    value = _Several(islice(value, MOST + 1))
            except Undecodable:
                raise
            except Exception as exc:
                kind = type(exc).__name__
                if kind not in logged:
                    logged.add(kind)
                    log.exception("%s failed, from now on only counted: %.80r", self.kind, frame)
                raise Undecodable(f"python: {kind}") from None
            return _readings(value, len(frame))

        return decode


def _caller(function: Callable[..., Any]) -> Callable[[bytes], Any]:
    """Return what calls a function with a frame, and with a DeviceFrame if it wants one, too."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # of a built-in function
        return lambda frame: function(bytes(frame))
    needed = [one for one in parameters if one.kind in PLACES and one.default is one.empty]
    if len(needed) < 2:
        return lambda frame: function(bytes(frame))
    return lambda frame: function(
        bytes(frame), frame if isinstance(frame, DeviceFrame) else DeviceFrame(frame)
    )


class _Several(list[Any]):
    """What a function has yielded."""


def _readings(value: Any, size: int) -> Reading:
    """Return what a function returned as a reading, with the others that it yielded."""
    values = value if type(value) is _Several else [value]
    if len(values) > MOST:
        raise Undecodable(f"python: more than {MOST} readings")
    readings = [_reading(one, size) for one in values if one is not None]
    if not readings:
        raise Undecodable("python: no reading")
    return readings[0]._replace(others=tuple(readings[1:]))


def _reading(value: Any, size: int) -> Reading:
    args, kwargs = ([], value) if type(value) is dict else ([value], {})
    return checked(Reading(args, kwargs, size))


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
