"""Commands on the line of a port, each with its reply, made of the frames of the port.

    await_late, attempt ──> prompt? ──> write ──> echo? frames: the reply? a late one? ──> reading

A frame that belongs to the reply is claimed: it goes to the caller and is not published. A reply
that did not come in time may come late and must not answer the next command. So no other command is
written until it has come, and is dropped, or until three times the timeout has passed since the
write. An echo is taken out of the bytes before frames are made of them.

A prompt has no line end, so what has come since the last one is looked at: it is a prompt when it
fits and nothing follows for QUIET seconds. It is taken off the line that follows it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from ...core import uris
from ...core.errors import ApplicationError, CallTimeout, Unavailable
from ...locks import Condition
from ..counts import LATE_REPLIES, Count
from ..decoding.readings import Reading
from ..device.device import Device, DeviceDown
from ..device.line_mode import LineMode
from ..framing.framing import FramingSettings
from ..intake import Intake
from ..line_pattern import LineSearch
from .echo import Echo
from .raw import patience
from .replies import Gathering, Reply

__all__ = ["WRONG_REPLY", "DeviceCommand", "NoPrompt", "Step", "TextLine", "WrongReply"]

WRONG_REPLY = "wamplite.error.wrong_reply"  # the error of a call whose reply had several frames
QUIET = 0.05  # seconds without a byte behind a prompt; a USB adapter waits 0.016 for more
MOST_BEGUN = 256  # bytes of a line that are looked at for a prompt
LINE_END = re.compile(rb".*[\r\n]", re.S)


class DeviceCommand(NamedTuple):
    """What is written, and what is waited for before and behind it.

    reply: None: nothing is waited for. prompt: what the device says before it takes the command.
    is_text: line ends within the data end lines, and an echo may have others. framing: of the
    reply, where it is not the port's. change: how the line is set from its end on. then: what is
    written when the reply has come; all of it is one exchange.
    """

    what: str  # for errors and logs
    data: bytes
    reply: Reply | None = None
    timeout: float = 0.0
    retries: int = 0
    prompt: LineSearch | None = None
    is_text: bool = True
    framing: FramingSettings | None = None
    change: LineMode = LineMode()
    then: tuple[Step, ...] = ()

    @property
    def patience(self) -> float:
        """For how many seconds something may come back of it."""
        return patience(self.timeout)


class Step(NamedTuple):
    """What follows in an exchange: a command that is made of the arguments and of what has come."""

    command: DeviceCommand
    fill: Callable[[Sequence[Any], Mapping[str, Any]], bytes]
    change_of: Callable[[Mapping[str, Any]], LineMode]  # ApplicationError where there is none


class WrongReply(ApplicationError):
    """What came is no reply."""


class NoPrompt(CallTimeout):
    """The device did not say its prompt: nothing was written."""


class TextLine:
    """The frames of a port; one command at a time, on the thread of the commands."""

    def __init__(
        self, device: Device, intake: Intake, write: Callable[[bytes], None], count: Count
    ) -> None:
        self._device = device
        self._intake = intake
        self._write = write
        self._count = count
        self._changed = Condition()  # guards all below
        self._running: Gathering | None = None
        self._owed: list[Gathering] = []  # replies that may still come
        self._owed_until = 0.0
        self._begun = self._before = b""  # what came since the last line end; before the write
        self._last = 0.0  # monotonic time of the last byte
        self._is_lost = self._is_stopping = False
        self._echo: Echo | None = None
        if device.settings.echo:
            self._echo = Echo()
            intake.sift = self._sift
        intake.came = self._came

    # ---- the device's thread

    def _sift(self, data: bytes) -> Iterator[bytes]:
        assert self._echo is not None
        return self._echo.sift(data, time.monotonic())

    def _came(self, data: bytes) -> None:
        """Note bytes of which frames have been made."""
        with self._changed:
            ended = LINE_END.match(data)
            self._begun = data[ended.end() :] if ended else self._begun + data
            self._begun = self._begun[-MOST_BEGUN:]
            self._last = time.monotonic()
            self._changed.notify_all()

    def claim(self, frame: bytes) -> bool:
        """Take a frame of the reply, or of a late one; tell whether it was taken."""
        with self._changed:
            before, self._before = self._before, b""
            if before:
                frame = frame.removeprefix(before)
                if not frame.strip():
                    return True  # a prompt, and nothing behind it
            if self._listens() and self._running is not None and self._running.take(frame):
                self._changed.notify_all()
                return True
            if self._owed and time.monotonic() < self._owed_until:
                return self._take_late(frame)
            self._owed.clear()
            return False

    def _listens(self) -> bool:
        """Tell whether a frame can be one of the reply that is waited for."""
        return not (self._running is None or self._running.is_over or self._awaits_echo())

    def _awaits_echo(self) -> bool:
        return self._echo is not None and self._echo.is_owed

    def _take_late(self, frame: bytes) -> bool:
        for late in self._owed:
            if late.take(frame):
                self._pay(late)
                return True
        return False

    def _pay(self, late: Gathering) -> None:
        if late.is_over:
            self._owed.remove(late)
            self._count(LATE_REPLIES, 1)
            self._changed.notify_all()

    def lost(self) -> None:
        """Note that the device is lost: no reply can come any more."""
        with self._changed:
            self._is_lost = True
            self._owed.clear()
            self._begun = self._before = b""
            if self._echo is not None:
                self._echo.forget()
            self._changed.notify_all()

    # ---- any thread

    def stop(self) -> None:
        """End all waits."""
        with self._changed:
            self._is_stopping = True
            self._changed.notify_all()

    # ---- the thread of the commands

    def _failure(self, command: DeviceCommand, gathering: Gathering) -> ApplicationError:
        start = f"{command.what}: "
        if gathering.flaw:
            text = f"what {self._device.address} answered is no reply: {gathering.flaw}"
            return WrongReply(WRONG_REPLY, start + text)
        missing = "echo" if self._awaits_echo() else "reply"
        tries = f", {command.retries + 1} times" if command.retries else ""
        text = f"no {missing} from {self._device.address} within {command.timeout:g} s{tries}"
        return CallTimeout(uris.TIMEOUT, start + text)

    def attempt(self, command: DeviceCommand) -> Reading | None:
        """Write it once; return its reply, None where it has none.

        ApplicationError: WrongReply, CallTimeout, or what the device said.
        """
        gathering = None
        if command.reply is not None:
            gathering = Gathering(command.reply, self._intake.has_lines)
        with self._changed:
            self._is_lost = False
            self._await_prompt(command)
            self._running = gathering
            self._before, self._begun = (self._begun if command.prompt else b""), b""
            if self._echo is not None:
                until = time.monotonic() + command.patience
                self._echo.expect(command.data, command.is_text, until)
            self._intake.claim, self._device.eager = self.claim, gathering is not None
        try:
            if command.data:
                self._write(command.data)
            if any(command.change):
                self.change_line(command.change)
            return None if gathering is None else self._gather(gathering, command)
        finally:
            with self._changed:
                self._running, self._device.eager = None, False
                self._unhook()

    def change_line(self, change: LineMode) -> None:
        """Change how the line is set; Unavailable where that cannot be."""
        try:
            self._device.change(change)
        except DeviceDown as exc:
            raise Unavailable(uris.UNAVAILABLE, str(exc)) from None

    def _gather(self, gathering: Gathering, command: DeviceCommand) -> Reading:
        with self._changed:
            self._owed_until = time.monotonic() + command.patience
            self._wait(lambda: self._is_whole(gathering), command.timeout)
            if gathering.refusal is not None:
                raise gathering.refusal
            if not gathering.is_over:
                self._fail_if_gone()
                self._owed.append(gathering)
            if gathering.answer is None:
                raise self._failure(command, gathering)
            return gathering.answer

    def _is_whole(self, gathering: Gathering) -> bool:
        """Tell whether nothing more comes of a reply."""
        is_open = not gathering.is_over and not self._awaits_echo()
        if is_open and self._stands(gathering.reply.prompt):
            gathering.finish()
        return gathering.is_over

    def _await_prompt(self, command: DeviceCommand) -> None:
        prompt = command.prompt
        if prompt is None or self._wait(lambda: self._stands(prompt), command.timeout):
            return
        self._fail_if_gone()
        text = (
            f"{command.what}: not written: no prompt {prompt.source!r} from"
            f" {self._device.address} within {command.timeout:g} s, it ended with {self._begun!r}"
        )
        raise NoPrompt(uris.TIMEOUT, text)

    def _stands(self, prompt: LineSearch | None) -> bool:
        """Tell whether what came last is a prompt."""
        if prompt is None or not self._begun or time.monotonic() - self._last < QUIET:
            return False
        return prompt.finds(self._begun)

    def _fail_if_gone(self) -> None:
        if self._is_lost:
            raise Unavailable(uris.UNAVAILABLE, self._device.down())
        if self._is_stopping:
            raise Unavailable(uris.UNAVAILABLE, "the bridge is ending")

    def _wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Wait until it holds, maybe by silence alone; False: the time is up, or it is the end."""
        deadline = time.monotonic() + seconds
        while not condition():
            now = time.monotonic()
            if self._is_lost or self._is_stopping or now >= deadline:
                return False
            silent_at = self._last + QUIET
            self._changed.wait((min(deadline, silent_at) if silent_at > now else deadline) - now)
        return True

    def await_late(self) -> None:
        """Wait until no reply to an earlier command can come any more."""
        with self._changed:
            self._wait(self._is_paid, self._owed_until - time.monotonic())
            self._owed.clear()
            self._unhook()

    def _is_paid(self) -> bool:
        for late in list(self._owed):
            self._is_whole(late)
            self._pay(late)
        return not self._owed

    def _unhook(self) -> None:
        if not (self._owed or self._before):
            self._intake.claim = None
