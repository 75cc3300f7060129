"""Commands on the line of a port, each with its reply, made of the frames of the port.

    await_late, attempt ──> prompt? ──> write ──> echo? frames: the reply? a late one? ──> reading

A frame that belongs to the reply is claimed: it goes to the caller and is not published. A reply
that did not come in time may come late and must not answer the next command: it is owed (see
`owed`) until it has come, and is dropped, or until three times the timeout has passed since the
write. An echo is taken out of the bytes before frames are made of them.

A prompt has no line end, so what has come since the last one is looked at: it is a prompt when it
fits and nothing follows for QUIET seconds. It is taken off the line that follows it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator

from ...core import uris
from ...core.errors import ApplicationError, CallTimeout, Unavailable
from ...locks import Condition
from ..counts import LATE_REPLIES, Count
from ..decoding.readings import Reading
from ..device.device import Device, DeviceDown
from ..device.line_mode import LineMode
from ..intake import Intake
from ..line_pattern import LineSearch
from .device_command import DeviceCommand
from .echo import Echo
from .owed import OwedReplies
from .replies import Gathering, Reply

__all__ = ["WRONG_REPLY", "NoPrompt", "TextLine", "WrongReply"]

WRONG_REPLY = "wamplite.error.wrong_reply"  # the error of a call whose reply had several frames
QUIET = 0.05  # seconds without a byte behind a prompt; a USB adapter waits 0.016 for more
MOST_BEGUN = 256  # bytes of a line that are looked at for a prompt
LINE_END = re.compile(rb".*[\r\n]", re.S)


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
        self._owed = OwedReplies()
        self._begun = self._before = b""  # what came since the last line end; before the write
        self._last = 0.0  # monotonic time of the last byte
        self._is_lost = self._is_stopping = False
        self._echo: Echo | None = None  # made for the first command that is echoed
        intake.came = self._came
        intake.refuted = self._refuted

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

    def claim(self, frame: bytes) -> str | None:
        """Take a frame of the reply, or of a late one; return None, or why it was not taken."""
        with self._changed:
            before, self._before = self._before, b""
            if before:
                frame = frame.removeprefix(before)
                if not frame.strip():
                    return None  # a prompt, and nothing behind it
            self._forget()
            running = self._running
            why: str | None = ""
            if running is not None and self._listens(running):
                why = self._answered(running, frame)
            if why is None:
                return None
            if self._owed.take(frame):
                self._pay()
                return None
            self._refute(why)
            return why

    def _listens(self, running: Gathering) -> bool:
        """Tell whether a frame can be one of the reply that is waited for."""
        return not (running.is_over or self._awaits_echo())

    def _answered(self, running: Gathering, frame: bytes) -> str | None:
        """Take a frame of the running reply, or one of which nobody knows whose it is.

        Returns None, or why it was not taken.
        """
        if not self._owed.may_be(frame, running):
            is_taken = running.take(frame)
            self._changed.notify_all()
            return None if is_taken else running.why
        if running.reply.rules_out(frame):
            return ""
        self._owed.doubt(frame, running)
        self._count(LATE_REPLIES, 1)
        return None

    def _refuted(self, why: str) -> None:
        """Note that what has come of a reply was damaged."""
        with self._changed:
            self._forget()
            self._refute(why)

    def _refute(self, why: str) -> None:
        """Note that what came was meant for a reply and is none, where it is known for which."""
        running = self._running
        waiting = self._owed.waiting()
        if running is not None and self._listens(running):
            waiting.append(running)
        if len(waiting) == 1 and not waiting[0].reply.is_long and self._intake.knows_replies:
            waiting[0].is_refuted, waiting[0].why = True, why
            self._changed.notify_all()

    def _forget(self) -> None:
        now = time.monotonic()
        self._owed.forget(now, now - self._device.touched >= QUIET)

    def _awaits_echo(self) -> bool:
        return self._echo is not None and self._echo.is_owed

    def _pay(self) -> None:
        if number := self._owed.finished():
            self._count(LATE_REPLIES, number)
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
        text += f"; what came was none: {gathering.why}" if gathering.why else ""
        return CallTimeout(uris.TIMEOUT, start + text)

    def attempt(self, command: DeviceCommand) -> Reading | None:
        """Write it once; return its reply, None where it has none.

        ApplicationError: WrongReply, CallTimeout, or what the device said.
        """
        gathering = None
        if command.reply is not None:
            gathering = Gathering(command.reply, self._intake.has_lines, command.data)
        with self._changed:
            self._is_lost = False
            self._await_prompt(command)
            self._running = gathering
            self._before, self._begun = (self._begun if command.prompt else b""), b""
            if self._device.settings.echo if command.echo is None else command.echo:
                self._expect_echo(command)
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

    def _expect_echo(self, command: DeviceCommand) -> None:
        if self._echo is None:
            self._echo = Echo()
            self._intake.sift = self._sift
        until = time.monotonic() + command.patience
        self._echo.expect(command.data, command.is_text, until)

    def change_line(self, change: LineMode) -> None:
        """Change how the line is set; Unavailable where that cannot be."""
        try:
            self._device.change(change)
        except DeviceDown as exc:
            raise Unavailable(uris.UNAVAILABLE, str(exc)) from None

    def _gather(self, gathering: Gathering, command: DeviceCommand) -> Reading:
        with self._changed:
            until = time.monotonic() + command.patience
            self._wait(lambda: self._is_whole(gathering), command.timeout)
            if gathering.is_over:
                self._owed.answered(gathering)
            else:
                self._fail_if_gone()
                self._owed.owe(gathering, until, command.patience)
            if gathering.refusal is not None:
                raise gathering.refusal
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

    def await_late(self, command: DeviceCommand | None = None) -> None:
        """Wait until no reply to an earlier command can come that could be taken for this one's.

        None: until none can come any more.
        """
        with self._changed:
            until = self._owed.hindering_until(*self._known_by(command))
            self._wait(lambda: self._is_free(command), until - time.monotonic())
            self._forget()
            self._unhook()

    def not_before(self, command: DeviceCommand) -> float:
        """Return until when it is better to do something else than this (monotonic); 0: now."""
        with self._changed:
            self._forget()
            return self._owed.not_before(*self._known_by(command))

    def is_asked_once(self, command: DeviceCommand) -> bool:
        """Tell whether it is of no use to ask again at once: whoever is asked is mute."""
        with self._changed:
            return self._owed.is_asked_once(command.data)

    def _known_by(self, command: DeviceCommand | None) -> tuple[bytes, Reply | None]:
        """Return what is asked, and its reply if that could be told from others'."""
        if command is None:
            return b"", None
        is_alone = not (command.then or command.framing or command.prompt or self._awaits_echo())
        return command.data, command.reply if is_alone else None

    def _is_free(self, command: DeviceCommand | None) -> bool:
        for late in self._owed.waiting():
            self._is_whole(late)
        self._pay()
        self._forget()
        return not self._owed.hindering_until(*self._known_by(command))

    def _unhook(self) -> None:
        if not (self._owed or self._before):
            self._intake.claim = None
