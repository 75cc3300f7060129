"""Many serial devices and one session: ports to topics, procedures and topics to ports.

    BridgePort (a device, its intake, its commands) ──┐
    BridgePort ───────────────────────────────────────┼ Outbox ── Publisher ──> session
    BridgePort ───────────────────────────────────────┘ Notices (status) ─────> session
    Component: joins, and joins again after a loss; each session gets all procedures and topics

The loss of a device does not stop the other ports, and the loss of the router stops none of them. A
procedure or topic that the router refuses is asked for again now and then; all else is served.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from .. import signals
from ..client.component import Component
from ..core.errors import ApplicationError, SessionNotReady, TransportLost, WampliteError
from ..forks import OfOneProcess, watch
from ..locks import Latch, Lock
from .bridge_port import BridgePort
from .clock import BootClock
from .counts import Counts
from .outbox.outbox import Outbox
from .publisher import Publisher
from .session import EventSink, ToSink, component_of, heeds_retain
from .settings import BridgeSettings
from .status import Notices

if TYPE_CHECKING:
    from ..client.session import Session

__all__ = ["Bridge"]

log = logging.getLogger(__name__)

ENDING = 0.4  # seconds for each part to end: 2 in all
AGAIN = 5.0  # seconds until what the router refused is asked for again
LOOK = 0.5  # seconds between two checks whether the router has refused the session for good


class Bridge(OfOneProcess):
    """Publishes what the ports of the settings send, and hands on what they are asked.

    sink: called with lists of events, in place of a router. component: used in place of the one
    that `settings.session` describes.
    """

    what = "bridge"
    again = "make a new one"

    def __init__(
        self,
        settings: BridgeSettings,
        *,
        component: Component | None = None,
        sink: EventSink | None = None,
    ) -> None:
        self.settings = settings
        self._others: dict[str, Counts] = {}  # of ports that only the outbox's file knows
        self._notices = Notices()
        self._clock = BootClock()
        self._outbox = Outbox(settings.buffer, self._drop, self._find, self._clock)
        shared = self._outbox.put, self._notices.tell, self._outbox.waiting, self._clock
        self.ports = {port.name: BridgePort(port, *shared) for port in settings.ports}
        marks = settings.buffer.marks and sink is None
        self._publisher = Publisher(self._outbox, self.counts, self._clock, marks=marks)
        self._told_of_retain = False
        self._sink = ToSink(sink) if sink is not None else None
        self.component = None if sink else component or component_of(settings.session)
        if self.component is not None:
            self.component.on_join(self._joined)
            self.component.on_leave(self._left)
        self._stopped = Latch()
        self._stopping = Lock()  # held while `stop` begins

    def _find(self, port: str, number: int) -> None:
        self.counts(port).took(number)

    def _drop(self, port: str, reason: str, number: int) -> None:
        self.counts(port).drop(reason, number)

    def counts(self, port: str) -> Counts:
        """Return the counts of a port."""
        found = self.ports.get(port)
        return found.counts if found else self._others.setdefault(port, Counts())

    # ---- its life

    def __enter__(self) -> Bridge:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to read and to publish; returns at once."""
        self.check_process()
        self._outbox.start()
        watch(self)
        self._publisher.start()
        self._notices.start()
        if self._sink is not None:
            self._publisher.joined(self._sink)
        if self.component is not None:
            self.component.start()
        for port in self.ports.values():
            if port.settings.idle_because:
                log.warning("%s: %s", port.name, port.settings.idle_because)
            port.start()

    def stop(self) -> None:
        """Stop reading, publish what waits if there is a session, and leave; within 2 seconds."""
        if self.owner:
            return
        with self._stopping:
            if self._stopped.is_set():
                return
            self._stopped.set()
        self._stop_ports()
        self._publisher.finish(ENDING)
        self._notices.stop(ENDING / 2)
        if self.component is not None:
            self.component.stop(ENDING)
        self._publisher.stop(ENDING)
        self._outbox.end()
        for line in self.figures().splitlines():
            log.info("%s", line)

    def _stop_ports(self) -> None:
        threads = [
            threading.Thread(target=port.stop, args=(ENDING,), name=f"wamplite-stop-{port.name}")
            for port in self.ports.values()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def run_forever(
        self,
        tick: Callable[[], None] = lambda: None,
        every: float = LOOK,
        ending: Callable[[], object] = lambda: None,
    ) -> None:
        """Serve until SIGINT, SIGTERM or a refusal for good, which it raises; main thread only.

        tick: called every `every` seconds meanwhile. ending: called before the parts are stopped.
        """
        with signals.Ending() as signaled, self:
            while self.error is None and not signaled.wait(every, self.figures):
                tick()
            ending()
            signaled.release()
        if self.error is not None:
            raise self.error

    @property
    def error(self) -> BaseException | None:
        """The refusal that ended it for good, or None."""
        return self.component.error if self.component is not None else None

    # ---- sessions, on the component's thread

    def _joined(self, session: Session) -> None:
        log.info("joined %s as session %d", session.realm, session.id)
        retains = heeds_retain(session)
        if not retains:
            self._tell_of_retain()
        self._publisher.joined(session, retains)
        self._serve(session, self._wishes())
        self._notices.joined(session, retains)

    def _tell_of_retain(self) -> None:
        """Say once what `retain` comes to at a router that keeps no events."""
        publishes = [publish for port in self.settings.ports for publish in port.publish]
        publishes += [poll for port in self.settings.ports for poll in port.polls]
        if not self._told_of_retain and any(publish.retain for publish in publishes):
            self._told_of_retain = True
            log.info(
                "the router does not announce event_retention (--feature event_retention): what has"
                " `retain` reaches those who are subscribed, and is not kept for who comes later"
            )

    def _left(self, session: Session) -> None:
        if session.error is not None:
            log.warning("session lost: %s; joining again", session.error)
        self._publisher.left(session)
        self._notices.left(session)

    def _wishes(self) -> list[tuple[str, Callable[[Session], Any]]]:
        """Return what the bridge asks of each session: a URI, and the function that asks."""
        wishes: list[tuple[str, Callable[[Session], Any]]] = []
        for port in self.ports.values():
            for uri, handler in port.procedures.items():
                wishes.append((uri, partial(_register, uri=uri, handler=handler)))
            for settings, handler in port.topics:
                options = {"match": settings.match} if settings.match != "exact" else None
                subscribe = partial(
                    _subscribe, topic=settings.topic, handler=handler, options=options
                )
                wishes.append((settings.topic, subscribe))
        return wishes

    def _serve(self, session: Session, wishes: list[tuple[str, Callable[[Session], Any]]]) -> None:
        """Ask for each; ask again later for those that were refused."""
        refused = []
        for uri, wish in wishes:
            try:
                wish(session)
            except (TransportLost, SessionNotReady):
                return  # the next session is asked for it
            except WampliteError as exc:
                log.error("%s: %s", uri, exc)
                if isinstance(exc, ApplicationError):
                    refused.append((uri, wish))
        if refused and not session.lost.is_set() and not self._stopped.is_set():
            timer = threading.Timer(AGAIN, self._serve, (session, refused))
            timer.daemon = True
            timer.name = "wamplite-again"
            timer.start()

    # ---- counts and status

    def figures(self) -> str:
        """Return the counts, a line for each port."""
        lines = [_as_line(port.settings.device, port) for port in self.ports.values()]
        return "\n".join(lines)

    def report(self) -> dict[str, Any]:
        """Return the status of each port and of the outbox."""
        ports = {name: port.status() for name, port in self.ports.items()}
        return {"ports": ports, "outbox": self._outbox.figures()}


def _register(session: Session, uri: str, handler: Any) -> None:
    session.register(uri, handler)


def _subscribe(session: Session, topic: str, handler: Any, options: Any) -> None:
    session.subscribe(topic, handler, options=options)


def _as_line(name: str, port: BridgePort) -> str:
    figures = port.figures()
    dropped = figures["dropped"]
    reasons = ", ".join(f"{reason}: {number}" for reason, number in dropped.items())
    read, published, waiting = figures["read"], figures["published"], figures["waiting"]
    return (
        f"{name}: frames={figures['frames']} read={read} published={published}"
        f" dropped={sum(dropped.values())}{f' ({reasons})' if reasons else ''}"
        f" waiting={waiting} resent={figures['resent']} replies={figures['replies']}"
        f" opens={port.device.opens}"
    )
