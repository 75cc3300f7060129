"""The values of an NMEA sentence by their names, through pynmea2 (pip install pynmea2).

Keyword arguments: `talker`, `type` and the values by pynmea2's names: numbers where pynmea2 parses
them as numbers, dates and times in ISO 8601, else text; empty ones are left out. `latitude` and
`longitude` in degrees replace the four values of a position. A sentence that pynmea2 does not know
keeps `fields`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ...core.errors import UsageError
from .readings import Reading, checked
from .value_types import converted

if TYPE_CHECKING:
    import pynmea2

__all__ = ["parser"]

_POSITION = {"lat", "lat_dir", "lon", "lon_dir"}


def parser(
    types: Mapping[str, str], none: Mapping[str, Collection[Any]]
) -> Callable[[Reading], Reading]:
    """Return a function that names the fields of a decoded sentence."""
    try:
        import pynmea2
    except ImportError as exc:
        raise UsageError("nmea with parse needs pynmea2: pip install pynmea2") from exc

    def parse(reading: Reading) -> Reading:
        try:
            sentence = pynmea2.parse(reading.args[0])
            values = _values(sentence)
        except Exception:  # an unknown sentence, or any error of pynmea2 over its values
            return reading
        texts = {name: value for name, value in values.items() if type(value) is str}
        values |= converted(texts, types, none=none)
        heads = {key: reading.kwargs[key] for key in ("talker", "type")}
        return checked(reading._replace(kwargs=values | heads))

    return parse


def _values(sentence: pynmea2.NMEASentence) -> dict[str, Any]:
    names = [field[1] for field in sentence.fields]
    values = {name.replace(" ", ""): _plain(getattr(sentence, name)) for name in names}
    if values.keys() >= _POSITION:
        for name in _POSITION:
            if not values.pop(name):
                break
        else:
            values |= {"latitude": sentence.latitude, "longitude": sentence.longitude}
    return {name: value for name, value in values.items() if value not in ("", None)}


def _plain(value: Any) -> Any:
    if isinstance(value, (time, date)):
        return value.isoformat()
    if isinstance(value, (Decimal, float)):
        return float(value) if math.isfinite(value) else None
    return value if isinstance(value, (int, str)) else None
