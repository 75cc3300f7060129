"""From readings to events: which topic, which values, how often at most and at least.

    reading --topic, fields--> candidates --deadband--> --min_interval--> ShapedEvent
                                             |              held: the newest goes when it is time
                                             '-- unless max_interval has passed

With {field} in the topic, a reading is one candidate for each of its fields, with the value as the
only argument; without it, one candidate with all of its fields as keyword arguments. Positional
values are the fields "0", "1" ... Deadband and intervals apply to each topic apart.

A reading that has none of the `fields`, or not the values that the topic names, is no candidate.

Pure, but for a warning in the log: `now` is a number that grows. The counts add up: what was read,
which are the candidates, is what was returned + dropped, by reason + waiting.
"""

from __future__ import annotations

import logging
import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from ..checking import attempt, check_names
from ..config import Location
from ..core import uris
from ..core.errors import UsageError
from ..core.words import show
from ..keys import TableSettings, setting
from ..schema import Flag, Names, Number, Text, Texts
from ..units import DAY, Duration
from .clock import Moment
from .counts import Counts
from .decoding.readings import Reading

__all__ = ["PublishSettings", "ShapedEvent", "Shaper", "TopicTemplate"]

log = logging.getLogger(__name__)

MOST_TOPICS = 1000  # of one template; beyond it the oldest is forgotten
SLACK = 1 - 1e-9  # as floats, 21.2 - 21.0 is less than 0.2
FORBIDDEN = frozenset(".#")


@dataclass(frozen=True, kw_only=True)
class PublishSettings(TableSettings):
    """The topic of events, and which values of a reading they carry."""

    topic: str = setting(
        Text(),
        "the topic; it may hold `{port}`, `{field}` and the names of values",
        example="home.weather.{field}",
    )
    replace: str = setting(
        Text(pattern=r"[A-Za-z0-9_-]{1,8}", wanted="letters, digits, _ and -"),
        "what stands in a topic in place of each blank, dot or other character of a value that a"
        " topic may not have; without it, such an event is dropped",
        "",
        example="_",
    )
    fields: tuple[str, ...] = setting(
        Texts(), "which values are published; `[]`: all", (), example=("temp", "hum")
    )
    deadband: Mapping[str, float] = setting(
        Names(Number(0, 1e300)),
        "by how much each value must change to be published again; 0: any change",
        {},
        factory=dict,
        example={"temp": 0.2, "hum": 1},
    )
    min_interval: float = setting(
        Duration(0, 365 * DAY),
        "least time between two events of a topic; one that comes earlier is held back, only"
        " the newest is sent",
        0.0,
    )
    max_interval: float = setting(
        Duration(0, 365 * DAY),
        "after so long the next reading is published even without a change; 0: never",
        0.0,
    )
    retain: bool = setting(
        Flag(), "the router keeps the event for later subscribers, if it can", False
    )
    acknowledge: bool = setting(
        Flag(),
        "the router confirms the event; after a loss, what was not confirmed is sent again",
        True,
    )
    timestamp: bool = setting(
        Flag(), "add the argument `ts`: UTC seconds when the last byte of the frame came", False
    )

    def check(self, at: Location) -> None:
        """Note a topic that cannot be one, and intervals that contradict each other."""
        attempt(at / "topic", TopicTemplate, self.topic)
        if 0 < self.max_interval < self.min_interval:
            (at / "max_interval").wrong(f"is less than min_interval = {self.min_interval:g}")

    def check_values(self, known: set[str] | None, at: Location) -> None:
        """Note each published value that the readings do not have; None: they may have any."""
        if any(path[: len(at.path)] == at.path for path, _ in at.document.problems):
            return
        check_names(self.fields, known, at / "fields")
        check_names(self.deadband, known, at / "deadband")
        if known is not None:
            names = TopicTemplate(self.topic).names
            check_names(names, known | {"port", "field"}, at / "topic")
        if self.fields:
            outside = [name for name in self.deadband if name not in self.fields]
            check_names(outside, set(self.fields), at / "deadband")


class ShapedEvent(NamedTuple):
    """An event on its way to the router."""

    topic: str
    args: list[Any]
    kwargs: dict[str, Any]
    options: dict[str, Any]
    heard: Moment
    timestamp: bool = False  # it is to tell when that was


class TopicTemplate:
    """A topic with {names} in it; the value of each stays within one component.

    replace: stands for each character that a topic may not have; "": there is no topic. Where two
    values become one word by that, it is logged, once for each topic.
    """

    def __init__(self, text: str, replace: str = "") -> None:
        self._replace = replace
        self._made_of: dict[str, list[Any] | None] = {}  # topic -> its values; None: it was logged
        try:
            pieces = list(string.Formatter().parse(text))
        except ValueError as exc:
            raise UsageError(f"topic {text!r}: {exc}") from exc
        for _, name, form, conversion in pieces:
            if name is not None and (form or conversion or not name or set(name) & set(".[")):
                raise UsageError(f"topic {text!r}: {{name}} is all that may stand in braces")
        self._pieces = [(literal, name) for literal, name, _, _ in pieces]
        self.names = [name for _, name in self._pieces if name is not None]
        if self.fill(dict.fromkeys(self.names, "x")) is None:
            raise UsageError(f"topic {text!r} makes no valid URIs, or reserved ones")

    def fill(self, values: dict[str, Any]) -> str | None:
        """Return the topic; None where a value is missing or cannot be part of a component."""
        topic = ""
        for literal, name in self._pieces:
            word = "" if name is None else _word(values.get(name), self._replace)
            if name is not None and not word:
                return None
            topic += literal + word
        if not uris.is_valid(topic) or uris.is_reserved(topic):
            return None
        if self._replace:
            self._look_for_another(topic, [values[name] for name in self.names])
        return topic

    def _look_for_another(self, topic: str, values: list[Any]) -> None:
        """Log a topic that was made of other values before."""
        if len(self._made_of) >= MOST_TOPICS and topic not in self._made_of:
            self._made_of.pop(next(iter(self._made_of)))
        others = self._made_of.setdefault(topic, values)
        if others is not None and others != values:
            one, two = (", ".join(map(show, each)) for each in (others, values))
            log.warning('%s stands for %s and for %s: by "replace" they share it', topic, one, two)
            self._made_of[topic] = None


def _word(value: Any, replace: str) -> str:
    """Return a value as a part of a component; "" where it cannot be one."""
    if type(value) not in (str, int, bool):
        return ""
    text = str(value).lower() if type(value) is bool else str(value)
    if all(map(_fits, text)):
        return text
    return replace and "".join(one if _fits(one) else replace for one in text)


def _fits(character: str) -> bool:
    return character.isprintable() and not character.isspace() and character not in FORBIDDEN


@dataclass(slots=True)
class _Track:
    """What was sent of one topic, and what is held back; made with the first candidate."""

    sent: float = 0.0
    values: dict[str, Any] = field(default_factory=dict)
    held: tuple[ShapedEvent, dict[str, Any]] | None = None


class Shaper:
    """Turns the readings of a port into the events that one `publish` describes."""

    def __init__(self, settings: PublishSettings, port: str, counts: Counts) -> None:
        self._counts = counts
        self._settings = settings
        self._template = TopicTemplate(settings.topic, settings.replace)
        self._each = "field" in self._template.names
        self._needed = set(self._template.names) - {"field"}
        self._port = port
        self._options: dict[str, Any] = {
            key: True for key in ("acknowledge", "retain") if getattr(settings, key)
        }
        self._tracks: dict[str, _Track] = {}
        self._bare = not (settings.deadband or settings.min_interval)

    @property
    def waiting(self) -> int:
        """How many events are held back until `min_interval` is over."""
        return sum(track.held is not None for track in self._tracks.values())

    @property
    def next_due(self) -> float | None:
        """When `due` will return an event; None: not before another reading."""
        times = [track.sent for track in self._tracks.values() if track.held]
        return min(times) + self._settings.min_interval if times else None

    def shape(self, reading: Reading, now: float) -> list[ShapedEvent] | None:
        """Return the events that a reading makes now; None where it has nothing of this."""
        candidates = self._candidates(reading)
        if candidates is None:
            return None
        publications = []
        self._counts.took(len(candidates))
        for topic, publication, values in candidates:
            if topic is None:
                self._counts.drop("no topic")
            elif self._bare or self._passes(topic, publication, values, now):
                publications.append(publication)
        return publications

    def _candidates(
        self, reading: Reading
    ) -> list[tuple[str | None, ShapedEvent, dict[str, Any]]] | None:
        wanted = self._settings.fields
        every = {str(at): value for at, value in enumerate(reading.args)} | reading.kwargs
        fields = {name: every[name] for name in wanted if name in every} if wanted else every
        names = every | {"port": self._port}
        if not fields and (wanted or self._each):
            return None
        if self._needed and not names.keys() >= self._needed:
            return None
        if self._each:
            return [
                self._candidate(names | {"field": name}, [value], {}, {name: value}, reading.heard)
                for name, value in fields.items()
            ]
        args = [value for at, value in enumerate(reading.args) if str(at) in fields]
        kwargs = {name: value for name, value in reading.kwargs.items() if name in fields}
        return [self._candidate(names, args, kwargs, fields, reading.heard)]

    def _candidate(
        self,
        names: dict[str, Any],
        args: list[Any],
        kwargs: dict[str, Any],
        values: dict[str, Any],
        heard: Moment,
    ) -> tuple[str | None, ShapedEvent, dict[str, Any]]:
        topic = self._template.fill(names)
        told = dict(self._options), heard, self._settings.timestamp
        return topic, ShapedEvent(topic or "", args, kwargs, *told), values

    def _passes(
        self, topic: str, publication: ShapedEvent, values: dict[str, Any], now: float
    ) -> bool:
        """Tell whether a candidate is sent now; else hold it back or drop it."""
        track = self._tracks.get(topic)
        if track is None:
            track = self._new_track(topic)
        elif not (self._moved(track.values, values) or self._is_overdue(track, now)):
            self._let_go(
                track
            )  # the value is back within the deadband: what was held back is outdated
            self._counts.drop("deadband")
            return False
        elif now - track.sent < self._settings.min_interval * SLACK:
            self._let_go(track)
            track.held = publication, values
            return False
        self._let_go(track)
        track.sent = now
        track.values.update(values)
        return True

    def _new_track(self, topic: str) -> _Track:
        if len(self._tracks) >= MOST_TOPICS:
            self._let_go(self._tracks.pop(next(iter(self._tracks))))
        track = self._tracks[topic] = _Track()
        return track

    def _let_go(self, track: _Track) -> None:
        if track.held is not None:
            track.held = None
            self._counts.drop("interval")

    def _is_overdue(self, track: _Track, now: float) -> bool:
        longest = self._settings.max_interval
        return bool(longest) and now - track.sent >= longest * SLACK

    def _moved(self, old: dict[str, Any], new: dict[str, Any]) -> bool:
        """Tell whether a value has left its deadband, or no value has a deadband."""
        bands = [(name, band) for name, band in self._settings.deadband.items() if name in new]
        return not bands or any(
            name not in old or _differs(old[name], new[name], band) for name, band in bands
        )

    def due(self, now: float) -> list[ShapedEvent]:
        """Return the events that were held back and are due."""
        publications = []
        for track in self._tracks.values():
            if track.held and now - track.sent >= self._settings.min_interval * SLACK:
                publication, values = track.held
                track.held = None
                track.sent = now
                track.values.update(values)
                publications.append(publication)
        return publications


def _differs(old: Any, new: Any, band: float) -> bool:
    if type(old) in (int, float) and type(new) in (int, float):
        return bool(old != new and abs(new - old) >= band * SLACK)
    return bool(old != new)
