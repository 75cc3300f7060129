"""Commands to a device, one at a time, in the order in which they were asked for.

    call ──> queue ──> [wamplite-ask-<port>: write, wait for the reply, again] ──> result or error
    topic ─────^                                     ^
    poll ────── when it is time                      │ the port's thread: is this frame the reply?

After each opening of the device, what `init` says comes before all of them.

A device is asked over one of two lines: text and bytes, whose replies are frames of the port, over
`text_line`; Modbus over `raw`. Each waits for what is owed on the other. Before a command the
port's `pause` is kept, behind whatever was last on the line.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from ...core import uris
from ...core.errors import ApplicationError, CallTimeout, Unavailable
from ...locks import Condition
from ..counts import FAILED_REQUESTS, Count
from ..decoding.readings import Reading
from ..device.device import Device, DeviceDown
from ..intake import Intake
from .device_command import DeviceCommand
from .device_job import DeviceJob
from .modbus_line import make_line
from .text_line import NoPrompt, TextLine, WrongReply

__all__ = ["Commands", "Poll"]

log = logging.getLogger(__name__)

MOST_WAITING = 256  # jobs of one port
MOST_PAUSES = 3  # that are waited for silence before a command
SOON = 0.5  # seconds until a poll is due again that found its device not ready

Arguments = tuple[Sequence[Any], Mapping[str, Any]]
Result = TypeVar("Result")


class Poll(Protocol):
    """A request repeated each `every` seconds, on the thread of the commands."""

    every: float

    def not_before(self) -> float: ...  # monotonic time; 0: it need not be waited for

    def run(self) -> None: ...


class Commands:
    """The asking side of one port."""

    def __init__(self, device: Device, intake: Intake, count: Count) -> None:
        self.name = device.settings.name
        self._device = device
        self._intake = intake
        self._changed = Condition()  # guards all below
        self._queue: deque[DeviceJob] = deque()
        self._polls: list[tuple[Poll, float]] = []
        self._stopping = False
        self._thread: threading.Thread | None = None
        self._beginning: Sequence[Callable[[], None]] = ()  # what is done after an opening
        self._is_opened = False  # ... and is to be done now
        self._is_beginning = False  # ... and is being done
        self._knows_of_opening = False  # only then anything else is done
        self._ended = 0.0  # monotonic time when the last command ended
        self._count = count
        self.raw = make_line(device, intake, self._write, count)
        self.text = TextLine(device, intake, self._write, count)

    # ---- any thread

    def start(self, polls: list[Poll], beginning: Sequence[Callable[[], None]] = ()) -> None:
        """Begin; the thread is started with the first poll or command.

        beginning: what is done after each opening, in the thread of the commands.
        """
        now = time.monotonic()
        with self._changed:
            self._polls = [(poll, now) for poll in polls]
            self._beginning = beginning
            if polls or beginning:
                self._need_thread()

    def stop(self, timeout: float) -> bool:
        """Fail what waits, and end the thread; False when it has not ended in time."""
        with self._changed:
            self._stopping = True
            jobs, thread = list(self._queue), self._thread
            self._queue.clear()
            self._changed.notify_all()
        self.raw.stop()
        self.text.stop()
        for job in jobs:
            job.fail(Unavailable(uris.UNAVAILABLE, "the bridge is ending"))
        if thread is not None:
            thread.join(timeout)
        return thread is None or not thread.is_alive()

    @property
    def is_ending(self) -> bool:
        """Whether nothing more is asked: what fails now, fails by that."""
        with self._changed:
            return self._stopping

    def ask(self, command: DeviceCommand, values: Arguments = ((), {})) -> Reading | None:
        """Write a command when those before it are done, and return its reply."""
        return self.run(command.what, lambda: self.exchange(command, values))

    def run(self, what: str, do: Callable[[], Result]) -> Result:
        """Do something with the device when it is its turn; returns what it returns, or raises."""
        job = DeviceJob(what, do)
        self._append(job)
        result: Result = job.result()
        return result

    def post(self, command: DeviceCommand) -> None:
        """Write a command when those before it are done; does not wait for that."""
        self.post_job(command.what, lambda: self.exchange(command))

    def post_job(self, what: str, do: Callable[[], object]) -> None:
        """Do something with the device when it is its turn; does not wait for that."""
        self._append(DeviceJob(what, do))

    def _is_ready(self) -> bool:
        return self._knows_of_opening and self._device.is_ready

    def _append(self, job: DeviceJob) -> None:
        if not self._is_ready():
            raise Unavailable(uris.UNAVAILABLE, self._device.down())
        with self._changed:
            if self._stopping or len(self._queue) >= MOST_WAITING:
                text = f"{job.what}: {len(self._queue)} commands wait already"
                raise Unavailable(uris.UNAVAILABLE, text)
            self._queue.append(job)
            self._need_thread()
            self._changed.notify_all()

    def _need_thread(self) -> None:
        if self._thread is None:
            name = f"wamplite-ask-{self.name}"
            self._thread = threading.Thread(target=self._run, name=name, daemon=True)
            self._thread.start()

    # ---- the device's thread

    def opened(self) -> None:
        """Note that the device is open: what is done then comes before all else."""
        with self._changed:
            self._is_opened = bool(self._beginning)
            self._knows_of_opening = True
            self._changed.notify_all()

    def lost(self) -> None:
        """Note that the device is lost: no reply can come any more."""
        with self._changed:
            self._knows_of_opening = False
            self._changed.notify_all()
        self.text.lost()
        self.raw.lost()

    # ---- the thread of the commands

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(self._has_work, self._until_poll())
                if self._stopping:
                    return
                job = self._next_job()
            if job is not None:
                job.run()
                if job.error is not None:
                    self._tell(job)

    def _has_work(self) -> bool:
        return bool(self._queue) or self._stopping or self._is_opened

    def _next_job(self) -> DeviceJob | None:
        if self._is_opened:
            self._is_opened = False
            return DeviceJob("init", self._begin)
        return self._queue.popleft() if self._queue else self._due_poll()

    def _begin(self) -> None:
        """Do what is done after an opening, up to what fails."""
        self._is_beginning = True
        try:
            for do in self._beginning:
                do()
        except ApplicationError as exc:
            if not self.is_ending:
                log.warning("%s: after its opening: %s", self.name, exc)
            raise
        finally:
            self._is_beginning = False

    def pause(self, seconds: float) -> None:
        """Wait so long, or until the end; only on the thread of the commands."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._is_opened, seconds)

    def _until_poll(self) -> float | None:
        if not self._polls:
            return None
        return max(0.0, min(map(_due, self._polls)) - time.monotonic())

    def _due_poll(self) -> DeviceJob | None:
        """Return the poll that is due longest, as a job; missed ones are not made up for."""
        if not self._polls:
            return None
        now = time.monotonic()
        at = min(range(len(self._polls)), key=lambda at: _due(self._polls[at]))
        if _due(self._polls[at]) > now:
            return None
        poll, due = self._polls[at]
        if not self._is_ready():
            self._polls[at] = poll, now + min(poll.every, SOON)
            return None
        self._polls[at] = poll, max(due + poll.every, now)
        return DeviceJob("poll", poll.run)

    def _tell(self, job: DeviceJob) -> None:
        self._count(FAILED_REQUESTS, 1)
        expected = isinstance(job.error, ApplicationError)
        level = logging.DEBUG if expected else logging.ERROR
        log.log(level, "%s: %s", job.what, job.error, exc_info=None if expected else job.error)

    def exchange(self, command: DeviceCommand, values: Arguments = ((), {})) -> Reading | None:
        """Write a command and wait for its reply; only on the thread of the commands.

        values: the arguments of the call, for what follows the first reply.
        Where the device does not say its prompt, what is done after an opening is done once more.
        """
        self.text.await_late(command)
        self.raw.await_late()
        if self.text.is_asked_once(command):
            command = command._replace(retries=0)
        for left in range(command.retries, -1, -1):
            try:
                answer = self._all_of(command, values)
                break
            except (CallTimeout, WrongReply) as exc:
                if not left or isinstance(exc, NoPrompt):
                    raise
        if command.reply is None:
            self.raw.wrote(command.data)
        return answer

    def _all_of(self, command: DeviceCommand, values: Arguments) -> Reading | None:
        """Write a command and what follows it; leaves the line as it was."""
        if not (command.then or command.framing):
            return self._attempt(command)
        try:
            answer = self._attempt(command)
            for step in command.then:
                known = {**values[1], **(answer.kwargs if answer else {})}
                data = step.fill(values[0], known)
                command = step.command._replace(data=data, change=step.change_of(known))
                answer = _joined(answer, self._attempt(command))
            return answer
        finally:
            self._restore()

    def _restore(self) -> None:
        """Return to the port's own framing and line, when nothing can come any more by others."""
        self.text.await_late()
        self._intake.reframe()
        change = self._device.mode.change_to(self._device.settings.mode)
        if self._device.is_ready and any(change):
            try:
                self.text.change_line(change)
            except Unavailable as exc:
                self._device.reopen(str(exc))

    def _attempt(self, command: DeviceCommand) -> Reading | None:
        self._keep_pause()
        if command.framing is not None:
            self._intake.reframe(command.framing.make())
        try:
            return self.text.attempt(command)
        except NoPrompt:
            self._is_opened = bool(self._beginning) and not self._is_beginning
            raise
        finally:
            self._ended = max(self._ended, time.monotonic())

    def exchange_raw(self, request: bytes, timeout: float) -> bytes:
        """Write a request of Modbus and wait for its reply; only on the thread of the commands."""
        self.text.await_late()
        self.raw.await_late(request[0])
        self._keep_pause()
        try:
            return self.raw.exchange(request, timeout)
        finally:
            self._ended = max(self._ended, time.monotonic())

    def _keep_pause(self) -> None:
        """Wait until the port's pause is over, behind the last command and whatever came since.

        A device that never falls silent is written to after MOST_PAUSES of them.
        """
        pause = self._device.settings.pause
        if not pause:
            return
        latest = max(self._ended, time.monotonic()) + MOST_PAUSES * pause
        with self._changed:
            while not self._stopping:
                silent = max(self._ended, self._device.touched) + pause
                left = min(silent, latest) - time.monotonic()
                if left <= 0:
                    return
                self._changed.wait(left)

    def _write(self, data: bytes) -> None:
        try:
            self._device.write(data)
            self._ended = time.monotonic() + self._device.duration(data)
        except DeviceDown as exc:
            raise Unavailable(uris.UNAVAILABLE, str(exc)) from None
        except TimeoutError as exc:
            raise CallTimeout(uris.TIMEOUT, f"{self._device.address}: {exc}") from None


def _joined(earlier: Reading | None, later: Reading | None) -> Reading | None:
    """Return the later reading with the named values of the earlier one, too."""
    if earlier is None or later is None:
        return later or earlier
    return later._replace(kwargs={**earlier.kwargs, **later.kwargs})


def _due(planned: tuple[Poll, float]) -> float:
    """Return the monotonic time at which a poll can be run."""
    poll, due = planned
    return max(due, poll.not_before())
