"""One port of a bridge: its device, its commands, and the events made of its readings.

Device ──bytes──> Intake ──readings──> Shapers ──events──> put (the outbox)
  ^                  └─ replies ──> Commands <── calls, topics, polls
  └───────────── writes ──────────────┘
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

from ..client.results import Event, Invocation, Result
from ..core import uris
from ..core.errors import ApplicationError, InvalidArgument
from . import clock
from .asking.commands import Commands
from .asking.device_command import DeviceCommand
from .asking.modbus import ModbusSettings
from .asking.polls import make_poll
from .asking.register_writes import RegisterWrites
from .asking.requests import InitSettings, ProcedureSettings, SubscribeSettings
from .asking.templates import Template
from .counts import FAILED_REQUESTS, Counts
from .decoding.readings import Reading
from .device.device import Device, DeviceState
from .event_maker import EventMaker, PutEvents
from .intake import Intake
from .matching.worker import end_all
from .settings import PortSettings
from .status import uri

__all__ = ["BridgePort"]

log = logging.getLogger(__name__)

PublishStatus = Callable[[str, dict[str, Any]], None]
DeviceHandler = Callable[..., Any]


class BridgePort:
    """A device with its counts, commands and status, and the procedures and topics for them."""

    def __init__(
        self,
        settings: PortSettings,
        put: PutEvents,
        tell: PublishStatus,
        waiting: Callable[[str], int],
        boot_clock: clock.BootClock,
    ) -> None:
        self.name = settings.name
        self.settings = settings
        self.counts = self._make_counts()
        self._tell = tell
        self._waiting = waiting
        self._clock = boot_clock
        self._since = clock.now()
        self._events = EventMaker(settings.publish, self.name, self.counts, put)
        self.intake = self._make_intake(
            settings.framing.make(),
            settings.decode.decoder(),
            self.counts,
            self._events.deliver,
            self._events.next_due,
            self._lost,
            lambda: self.commands.opened(),
        )
        self.intake.is_asked_only = not settings.publish
        self.device = self._make_device()
        self.commands: Commands = Commands(self.device, self.intake, self.counts.count)
        self._poll_events = [
            EventMaker((poll,), self.name, self.counts, put) for poll in settings.polls
        ]
        self._polls = [
            make_poll(poll, self.commands, settings, events.deliver)
            for poll, events in zip(settings.polls, self._poll_events, strict=True)
        ]
        self.procedures = dict(self._procedures())
        self.topics = [self._topic(subscribe) for subscribe in settings.subscribes]

    def _make_counts(self) -> Counts:
        return Counts()

    def _make_intake(self, *parts: Any) -> Intake:
        return Intake(*parts)

    def _make_device(self) -> Device:
        return Device(self.settings, self.intake, self._changed)

    def start(self) -> None:
        """Begin to read and to poll; returns at once."""
        beginning = [
            self._beginning(number, init) for number, init in enumerate(self.settings.init, 1)
        ]
        self.commands.start(self._polls, beginning)
        self.device.start()

    def stop(self, timeout: float) -> bool:
        """Stop polling and reading; False when a thread has not ended in `timeout` seconds."""
        asked = self.commands.stop(timeout)
        ended = self.device.stop(timeout) and asked
        end_all()  # another port's worker is started again
        return ended

    # ---- the device's thread

    def _lost(self) -> None:
        self.commands.lost()
        self._events.deliver([], float("inf"))

    def _changed(self, state: DeviceState, why: str) -> None:
        self._since = clock.now()
        if self.settings.status:
            self._tell(uri(self.name, "status"), self.status())

    # ---- status

    def status(self) -> dict[str, Any]:
        """Return state and counts."""
        figures = self.figures()
        since = self._clock.reckoning().utc(self._since.elapsed)
        return {
            "port": self.name,
            "state": self.device.state.value,
            "why": self.device.why,
            "device": self.settings.device,
            "since": since and round(since, 3),
            "reopens": max(0, self.device.opens - 1),
            **figures,
        }

    def figures(self) -> dict[str, Any]:
        """Return the counts: read = published + dropped, by reason + waiting."""
        held = sum(events.held for events in (self._events, *self._poll_events))
        waiting = self._waiting(self.name) + held
        return {**self.counts.snapshot(), "waiting": waiting}

    # ---- procedures and topics

    def _procedures(self) -> list[tuple[str, DeviceHandler]]:
        own: list[tuple[str, DeviceHandler]] = [
            (uri(self.name, "status"), self._taking(0, self._on_status)),
            (uri(self.name, "stats"), self._taking(0, self.status)),
            (uri(self.name, "write"), self._taking(1, self._on_write)),
            (uri(self.name, "reopen"), self._taking(0, self._on_reopen)),
        ]
        return (own if self.settings.status else []) + [
            (procedure.uri, self._procedure(procedure)) for procedure in self.settings.procedures
        ]

    def _taking(self, number: int, handler: Callable[..., Any]) -> DeviceHandler:
        """Return what serves a procedure of so many arguments, and refuses others in words."""

        def serve(invocation: Invocation) -> Any:
            if len(invocation.args) != number or invocation.kwargs:
                text = (
                    f"{invocation.procedure} takes {'one argument' if number else 'no arguments'}"
                )
                raise InvalidArgument(uris.INVALID_ARGUMENT, text)
            return handler(*invocation.args)

        serve.__qualname__ = f"port {self.name}"  # as logs name it
        return serve

    def _on_status(self) -> dict[str, Any]:
        status = self.status()
        self._tell(uri(self.name, "status"), status)
        return status

    def _on_write(self, data: object) -> int:
        if not isinstance(data, (str, bytes)):
            text = f"expected text or bytes for the device, not {type(data).__name__}"
            raise InvalidArgument(uris.INVALID_ARGUMENT, text)
        encoded = data.encode() if isinstance(data, str) else data
        is_text = isinstance(data, str)
        self.commands.ask(DeviceCommand(uri(self.name, "write"), encoded, is_text=is_text))
        return len(encoded)

    def _on_reopen(self) -> None:
        self.device.reopen("asked to")

    def _writes(
        self, what: str, asked: ProcedureSettings | SubscribeSettings, modbus: ModbusSettings
    ) -> RegisterWrites:
        baudrate, timeout = self.settings.baudrate, asked.timeout
        return RegisterWrites(what, modbus, self.commands, baudrate, timeout, asked.retries)

    def _procedure(self, procedure: ProcedureSettings) -> DeviceHandler:
        if procedure.modbus is not None:
            return self._writes(procedure.uri, procedure, procedure.modbus).on_call
        fill = procedure.template()
        command = procedure.command(procedure.uri, self.settings.prompt)

        def serve(invocation: Invocation) -> Result | None:
            values = invocation.args, invocation.kwargs
            answer = self.commands.ask(command._replace(data=fill(*values)), values)
            return None if answer is None else result_of(answer)

        serve.__qualname__ = f"port {self.name}"  # as logs name it
        return serve

    def _beginning(self, number: int, init: InitSettings) -> Callable[[], None]:
        command = init.command(f"init {number}", self.settings.prompt)
        command = command._replace(data=init.template()((), {}))

        def begin() -> None:
            self.commands.exchange(command)
            self.commands.pause(init.pause)

        return begin

    def _topic(self, subscribe: SubscribeSettings) -> tuple[SubscribeSettings, DeviceHandler]:
        topic = subscribe.topic
        if subscribe.modbus is not None:
            write = self._writes(topic, subscribe, subscribe.modbus).on_event
        else:
            command = subscribe.command(topic, self.settings.prompt)
            write = partial(self._write, command, subscribe.template())
        return subscribe, partial(self._on_event, write)

    def _write(self, command: DeviceCommand, template: Template, event: Event) -> None:
        self.commands.post(command._replace(data=template(event.args, event.kwargs)))

    def _on_event(self, write: Callable[[Event], None], event: Event) -> None:
        try:
            write(event)
        except ApplicationError as exc:
            self.counts.count(FAILED_REQUESTS)
            log.warning("%s: not written to %s: %s", event.topic, self.name, exc)


def result_of(answer: Reading) -> Result:
    """Return the result of a call; of several readings, each is an argument."""
    if answer.others:
        return Result([one.kwargs or one.args[0] for one in answer.all()], {}, {})
    return Result(answer.args, answer.kwargs, {})
