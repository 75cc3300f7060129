"""EVENTs as octets: what was published is written once, under however many heads it goes out.

Each subscription that a publication fits has an EVENT of its own: another id, other details (the
topic, who published it, that it was retained). The arguments, which may be large, are the same.
"""

from __future__ import annotations

from ..core.messages import Event
from ..core.parsing import to_array
from ..serializers import Serializer

HEAD = 4  # elements before the arguments: code, subscription, publication, details
LARGE = 512  # octets: what has fewer is written whole in less time than it takes to cut


class EventWriter:
    """Writes EVENTs for all peers of a realm that share a serializer; with the routing role only.

    It remembers the last large one of a round, `last`, also for those who frame it differently.
    """

    __slots__ = ("_payload", "_with_head", "last")

    def __init__(self, serializer: Serializer) -> None:
        self._with_head = serializer.with_head
        self.last: Event | None = None
        self._payload = b""

    def find(self, event: Event) -> bytes:
        """Return the octets of an EVENT, where it or another head of it was written last."""
        last = self.last
        if last is event:
            return self._payload
        if last is not None and last.args is event.args and last.kwargs is event.kwargs:
            head, other = to_array(last)[:HEAD], to_array(event)[:HEAD]
            return self._with_head(self._payload, head, other)
        return b""

    def keep(self, event: Event, payload: bytes) -> None:
        """Remember the octets of an EVENT; it is worth it where they are more than LARGE."""
        self.last, self._payload = event, payload

    def forget(self) -> None:
        """Forget the last one: nothing of a round stays."""
        self.last, self._payload = None, b""
