"""to_plain: a ready-made `default=` for connect(), for the types that sensors and databases bring.

    datetime, date, time   RFC 3339 text           Enum                  its value
    timedelta              seconds                 dataclass             a dict of its fields
    Decimal, Fraction      the nearest float       set, frozenset        a list
    UUID, path, IP address text                    numpy scalar, array   what its tolist() returns

Nothing is imported for it: a type is known by its name, and what it returns is looked at again.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any


def _moment(value: Any) -> str:
    text: str = value.isoformat()
    return f"{text[:-6]}Z" if text.endswith("+00:00") else text


BY_NAME: dict[str, Callable[[Any], Any]] = {
    "datetime.datetime": _moment,
    "datetime.date": lambda value: value.isoformat(),
    "datetime.time": _moment,
    "datetime.timedelta": lambda value: value.total_seconds(),
    "decimal.Decimal": float,
    "fractions.Fraction": float,
    "uuid.UUID": str,
    "enum.Enum": lambda value: value.value,
    "ipaddress._IPAddressBase": str,
    "builtins.set": list,
    "builtins.frozenset": list,
}


def to_plain(value: Any) -> Any:
    """Return what can be sent instead of a value that cannot; TypeError for what is not known.

    `wamplite.connect(default=wamplite.to_plain)`
    """
    for kind in type(value).__mro__:
        convert = BY_NAME.get(f"{kind.__module__}.{kind.__qualname__}")
        if convert is not None:
            return convert(value)
    if hasattr(type(value), "__dataclass_fields__"):
        return {name: getattr(value, name) for name in type(value).__dataclass_fields__}
    if hasattr(type(value), "__fspath__"):
        return os.fspath(value)
    if hasattr(type(value), "tolist"):  # numpy's scalars and arrays, array.array, tensors
        return value.tolist()
    raise TypeError("to_plain does not know it")
