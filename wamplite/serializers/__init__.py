"""Serializers by name: json, msgpack and, where cbor2 is installed, cbor.

`get(name)` imports the library of a format on its first use. The gate that all of them keep on
arrival, so that a delivery can never fail because of its content, is `payload.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from ..core.errors import UsageError
from .base import Serializer
from .payload import check_payload, copy_checked, copy_payload

__all__ = [
    "NAMES",
    "Serializer",
    "available",
    "check_payload",
    "copy_checked",
    "copy_payload",
    "get",
    "loads_of",
]

NAMES = ("json", "msgpack", "cbor")  # in order of preference
_PACKAGES = {"msgpack": "msgpack", "cbor": "'cbor2<6'"}  # 6 takes a compiler on 32-bit ARM
_LIBRARIES = {"json": "json", "msgpack": "msgpack", "cbor": "cbor2"}


def available() -> tuple[str, ...]:
    """Return the names of the serializers whose library is installed; nothing is imported."""
    return tuple(name for name in NAMES if find_spec(_LIBRARIES[name]) is not None)


def get(name: str) -> Serializer:
    """Return a fresh serializer of that name."""
    if name not in NAMES:
        raise UsageError(f"serializer must be one of {', '.join(NAMES)}, not {name!r}")
    try:
        module = _imported(name)
    except ImportError as exc:
        raise UsageError(
            f"serializer {name} needs {_LIBRARIES[name]}: pip install {_PACKAGES[name]}"
        ) from exc
    made: Serializer = module.make()
    return made


@cache
def loads_of(name: str) -> Callable[[bytes], Any]:
    """Return the `loads` of that serializer, for any thread: it keeps nothing."""
    return get(name).loads


@cache
def _imported(name: str) -> Any:
    return import_module(f".{name}", __name__)
