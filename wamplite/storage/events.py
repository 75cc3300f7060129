"""Events in a file: how what a feature keeps of them is written and read again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import serializers
from ..core import uris
from ..core.errors import ProtocolError
from ..core.ids import MAX_ID
from .journal import Journal

SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
    number INTEGER PRIMARY KEY, topic TEXT NOT NULL, publication INTEGER NOT NULL,
    time REAL NOT NULL, session INTEGER NOT NULL, data BLOB NOT NULL);
"""


ALL = (  # the topic as octets: a disk may have made anything of them
    "SELECT number, CAST(topic AS BLOB), publication, time, session, data FROM event"
    " ORDER BY number"
)
INSERT = "INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?)"
CLEAR = "DELETE FROM event"
LATEST = 1e11  # seconds since 1970: the year 5138
HEALING = 10.0  # seconds from a failure until all is written anew
Stored = tuple[int, str, int, float, int, list[Any]]


class StoredEvents:
    """Events by number; what they say is JSON as WAMP has it, so binary values survive.

    later: the realm's, so that all it is handed runs with the routing role. everything: returns all
    that there is, as `add` takes it. Where something could not be written, the file gets all of it
    anew, once it can. Else what was replaced or cleared meanwhile would come back.
    """

    def __init__(
        self,
        path: str,
        later: Callable[[float, Callable[[], None]], Any],
        everything: Callable[[], list[Stored]],
    ) -> None:
        self._later = later
        self.everything = everything  # whoever takes the file over sets another one
        self._is_to_heal = False  # it was asked for
        self._journal = Journal(path, SCHEMA, self._behind)
        self._json = serializers.get("json")

    @property
    def faults(self) -> int:
        """How many could not be written or deleted."""
        return self._journal.faults

    @property
    def behind(self) -> bool:
        """Whether some could not, and the file has not been written anew since."""
        return self._journal.behind

    def load(self) -> list[Stored]:
        """Return all: number, topic, publication, time, session, and what was said (see `add`).

        Where some cannot be read, the file is set aside, and a new one gets the others.
        """
        events: list[Stored] = []
        damaged = 0
        for row in self._journal.load(ALL):
            try:
                events.append(self._event(*row))
            except (ValueError, TypeError, AttributeError, ProtocolError):
                damaged += 1
        if damaged:
            self._journal.start_anew(f"{damaged} events cannot be read")
            self._journal.replace(CLEAR, INSERT, lambda: [self._row(event) for event in events])
        return events

    def add(
        self,
        number: int,
        topic: str,
        publication: int,
        time: float,
        session: int,
        said: list[Any],
        done: Callable[[], None] | None = None,
    ) -> None:
        """Write an event; `done` is run once it is stored, or could not be.

        said: args, kwargs, details, and the options that say who gets it.
        """
        event = number, topic, publication, time, session, said
        self._journal.put(INSERT, lambda: self._row(event), self._routed(done))

    def remove(self, number: int, done: Callable[[], None] | None = None) -> None:
        """Delete an event; `done` is run as with `add`."""
        self._journal.put(
            "DELETE FROM event WHERE number = ?", lambda: [number], self._routed(done)
        )

    def close(self) -> None:
        """Write what waits, all of it where some could not be, and close the file."""
        if self.behind:
            self.rewrite()
        self._journal.close()

    def _routed(self, done: Callable[[], None] | None) -> Callable[[], None] | None:
        return None if done is None else lambda: self._later(0, done)

    def _event(
        self, number: int, topic: bytes, publication: int, time: float, session: int, data: bytes
    ) -> Stored:
        """Return a row as an event; raises where a disk has changed it to what is none."""
        said = self._json.loads(data)
        args, kwargs, details, limits = said
        kinds = (int, int, float, int, dict, dict)
        if (
            tuple(map(type, (number, publication, time, session, details, limits))) != kinds
            or not 0 <= time < LATEST
            or not 0 <= publication <= MAX_ID
            or not uris.is_valid(topic.decode())
            or not (args is None or type(args) is list)
            or not (kwargs is None or type(kwargs) is dict)
            or any(type(listed) is not list for listed in limits.values())
        ):
            raise ValueError("not an event")
        return number, topic.decode(), publication, time, session, said

    def _row(self, event: Stored) -> list[Any]:
        return [*event[:5], self._json.dumps(event[5])]

    def _behind(self) -> None:
        if not self._is_to_heal:
            self._is_to_heal = True
            self._later(HEALING, self.rewrite)

    def rewrite(self) -> None:
        """Have the file hold what there is, and nothing else (with the routing role)."""
        self._is_to_heal = False
        events = self.everything()
        self._journal.replace(CLEAR, INSERT, lambda: [self._row(event) for event in events])
