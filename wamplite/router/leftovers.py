"""The streams whose outbox left something over: pure, guarded by whoever keeps them."""

from __future__ import annotations

from ..transports.stream import Stream


class Leftovers:
    """The streams, each with when the kernel last took some of what was left."""

    def __init__(self) -> None:
        self._since: dict[Stream, float] = {}
        self._new: list[Stream] = []

    def __len__(self) -> int:
        return len(self._since)

    def __contains__(self, stream: Stream) -> bool:
        return stream in self._since

    @property
    def has_new(self) -> bool:
        """Whether `take_new` would return any."""
        return bool(self._new)

    def add(self, stream: Stream, now: float) -> bool:
        """Watch a stream from now on; False if it is watched already."""
        if stream in self._since:
            return False
        self._since[stream] = now
        self._new.append(stream)
        return True

    def take_new(self) -> list[Stream]:
        """Return those that were added since."""
        new, self._new = self._new, []
        return new

    def took(self, stream: Stream, now: float) -> None:
        """Note that the kernel took some."""
        self._since[stream] = now

    def remove(self, stream: Stream) -> None:
        """Forget a stream; nothing if it is not watched."""
        self._since.pop(stream, None)

    def all(self) -> list[tuple[Stream, float]]:
        """Return each stream with when the kernel last took some."""
        return list(self._since.items())
