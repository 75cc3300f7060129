"""One serial device to one topic: a port, its intake, an outbox, a publisher and a Component.

port thread: read -> Intake -> Outbox       publisher thread: Outbox -> session
                                            Component: joins, and joins again after a loss
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from .counts import Counts
from .decoding import DECODERS
from .framing import FRAMINGS
from .intake import Intake
from .outbox import Outbox
from .port import Port
from .publisher import Publisher

if TYPE_CHECKING:
    from ..client.component import Component
    from ..client.session import Session

__all__ = ["SerialBridge"]

log = logging.getLogger(__name__)

ENDING = 0.5  # seconds for each of them to end


class SerialBridge:
    """Publishes what a serial device sends, through a Component that it starts and stops."""

    def __init__(
        self,
        device: str,
        topic: str,
        component: Component,
        *,
        baud: int = 9600,
        framing: str = "lines",
        decode: str = "text",
    ) -> None:
        self.device = device
        self.topic = topic
        self.counts = Counts()
        self._component = component
        self._outbox = Outbox()
        self._publisher = Publisher(self._outbox, topic, self.counts)
        intake = Intake(FRAMINGS[framing](), DECODERS[decode], self.counts, self._outbox.put)
        self._port = Port(device, baud, intake)
        component.on_join(self._joined)
        component.on_leave(self._left)

    def __enter__(self) -> SerialBridge:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to read and to publish; return at once."""
        self._publisher.start()
        self._component.start()
        self._port.start()

    def stop(self) -> None:
        """Stop reading, publish what waits if the router is there, and leave; within 2 seconds."""
        self._port.stop(ENDING)
        self._publisher.finish(ENDING)
        self._component.stop(ENDING)
        self._publisher.stop(ENDING)
        log.info("%s", self.figures())

    def _joined(self, session: Session) -> None:
        log.info("joined %s as session %d", session.realm, session.id)
        self._publisher.joined(session)

    def _left(self, session: Session) -> None:
        if session.error is not None:
            log.warning("session lost: %s; joining again", session.error)
        self._publisher.left(session)

    def figures(self) -> str:
        """Return the books as one line."""
        counts = self.counts
        dropped = dict(counts.dropped)
        if self._outbox.dropped:
            dropped["overflow"] = self._outbox.dropped
        reasons = ", ".join(f"{reason}: {number}" for reason, number in sorted(dropped.items()))
        return (
            f"{self.device}: frames={counts.frames} published={counts.published}"
            f" dropped={sum(dropped.values())}{f' ({reasons})' if reasons else ''}"
            f" waiting={self._publisher.waiting} resent={counts.resent} opens={self._port.opens}"
        )
