"""Records by URI: which of them a URI finds. One book for each `match` policy; this is "exact"."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Generic, TypeVar

from . import uris

Writer = Callable[[Any], dict[str, Any]]  # what to tell in each INVOCATION or EVENT of a record
Record = TypeVar("Record")


class Book(Generic[Record]):
    """The records of one match policy, by the URI they were made with."""

    match = "exact"
    writers: tuple[Writer, ...] = ()  # a record made through this book starts with these

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def add(self, uri: str, record: Record) -> None:
        """Write down a record; there is none under this URI yet."""
        self.records[uri] = record

    def remove(self, uri: str) -> None:
        """Strike a record out."""
        del self.records[uri]

    def is_valid(self, uri: str) -> bool:
        """Tell whether a record may be made with this URI."""
        return uris.is_valid(uri)

    def find(self, uri: str) -> Iterable[Record]:
        """Return the records that a PUBLISH or CALL with `uri` finds, the best first."""
        record = self.records.get(uri)
        return () if record is None else (record,)
