"""What a session asks of its router: options are checked before, errors are named after."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from ..core.errors import ApplicationError, CallTimeout, InvalidArgument
from ..core.messages import Call, Message, Publish, name
from ..core.messages import Result as RawResult
from .answering import value_of
from .heeding import check_described, check_heeded, tell_misplaced
from .options import Options, Wishes, apart, options_among, with_timeout
from .progress import Part, results
from .serving import Serving
from .shared_conversation import SharedConversation
from .values import check_request
from .waiting import WaitingRequest


class SentCall(NamedTuple):
    """A call that waits for its answer."""

    waiting: WaitingRequest
    kwargs: Mapping[str, Any]
    timeout: float | None  # seconds
    began: float  # a `time.monotonic()`


class Asking:
    """The requests of one session.

    timeout: seconds for an answer, unless an option tells otherwise; None: no limit.
    """

    def __init__(self, shared: SharedConversation, serving: Serving, timeout: float | None) -> None:
        self.shared = shared
        self.timeout = timeout
        self.default = serving.default
        self._serving = serving

    def call(
        self, procedure: str, args: list[Any], kwargs: dict[str, Any], options: Options
    ) -> Any:
        """Call a procedure; return the RESULT."""
        timeout, elements = self._checked_call(procedure, args, kwargs, options)
        waiting = WaitingRequest(procedure)
        try:
            result = self.shared.ask(timeout, Call, waiting, *elements)
            return self._unpacked(result, procedure) if result.details else result
        except ApplicationError as error:
            raise self._named(error, waiting, kwargs)  # noqa: B904 - it has its cause

    def send_call(
        self, procedure: str, args: list[Any], kwargs: dict[str, Any], options: Options
    ) -> SentCall:
        """Send a call whose RESULT is taken later."""
        timeout, elements = self._checked_call(procedure, args, kwargs, options)
        waiting = WaitingRequest(procedure)
        self.shared.tell(Call, *elements, waiting=waiting)
        return SentCall(waiting, kwargs, timeout, time.monotonic())

    def take_result(self, sent: SentCall, deadline: float | None) -> Any:
        """Wait for the RESULT of a call that was sent, not beyond a `time.monotonic()`."""
        try:
            result = self.shared.answer(sent.waiting, sent.began, sent.timeout, deadline)
            return self._unpacked(result, sent.waiting.subject) if result.details else result
        except ApplicationError as error:
            raise self._named(error, sent.waiting, sent.kwargs)  # noqa: B904 - it has its cause

    def _checked_call(
        self, procedure: str, args: list[Any], kwargs: dict[str, Any], options: Options
    ) -> tuple[float | None, tuple[Any, ...]]:
        """Return the seconds to wait for an answer, and the elements of a CALL."""
        asked, timeout = self._call_options(options) if options else ({}, self.timeout)
        if kwargs:
            tell_misplaced(self.shared, Call, kwargs)
        args, kwargs = check_request("CALL", procedure, args, kwargs, self.default)
        if asked:
            args, kwargs = self.packed("CALL", procedure, args, kwargs, asked)
        return timeout, (asked, procedure, args, kwargs)

    def last(
        self,
        procedure: str,
        parts: Iterable[Part],
        options: Options,
        on_progress: Callable[[Any], object] | None,
    ) -> Any:
        """Call with arguments that come in parts; return the value of the last RESULT."""
        value: Any = None
        for result in self.results(procedure, parts, options, on_progress is not None):
            value = value_of(result)
            if on_progress is not None and result.details.get("progress"):
                on_progress(value)
        return value

    def results(
        self, procedure: str, parts: Iterable[Part], options: Options, progress: bool
    ) -> Iterator[RawResult]:
        """Call with arguments that come in parts; give each RESULT, the last of them last."""
        asked, timeout = self._call_options(options) if options else ({}, self.timeout)
        if progress:
            asked = {**asked, "receive_progress": True}
            check_heeded(self.shared, Call, asked)
        try:
            for result in results(
                self.shared, procedure, self._ready(procedure, parts, asked), asked, timeout
            ):
                yield self._unpacked(result, procedure)
        except ApplicationError as error:
            raise self._serving.defined.named(self._readable(error), f"CALL of {procedure}")  # noqa: B904 - it has its cause

    def _ready(
        self, procedure: str, parts: Iterable[Part], asked: dict[str, Any]
    ) -> Iterator[Part]:
        """Give each part as it can be sent."""
        for part in parts:
            args, kwargs = check_request("CALL", procedure, *part, self.default)
            yield self.packed("CALL", procedure, args, kwargs, asked)

    def packed(
        self,
        what: str,
        uri: str,
        args: list[Any],
        kwargs: dict[str, Any],
        asked: Mapping[str, Any],
    ) -> Part:
        """Return arguments as the options ask for; see `passthru`."""
        if asked.get("ppt_scheme"):
            return self._serving.passthru.pack(f"{what} of {uri}", args, kwargs, asked)
        return args, kwargs

    def _unpacked(self, result: Any, procedure: str) -> Any:
        details = result.details
        if not details.get("ppt_scheme"):
            return result
        unpack = self._serving.passthru.unpack
        args, kwargs = unpack(f"RESULT of {procedure}", result.args, result.kwargs, details)
        return result._replace(args=args, kwargs=kwargs)

    def _readable(self, error: ApplicationError) -> ApplicationError:
        """Unpack the arguments of an ERROR, where they can be read."""
        if error.details.get("ppt_scheme"):
            with suppress(ApplicationError):
                args, error.kwargs = self._serving.passthru.unpack(
                    "ERROR", list(error.args), error.kwargs, error.details
                )
                error.args = tuple(args)
        return error

    def _call_options(self, options: Mapping[str, Any]) -> tuple[dict[str, Any], float | None]:
        """Return CALL.Options and the seconds to wait."""
        wishes = self.wishes(Call, options)
        if self.shared.announced("dealer", "call_timeout"):
            return with_timeout(wishes, options), wishes.timeout
        return wishes.asked, wishes.timeout

    def publish(
        self, topic: str, args: list[Any], kwargs: dict[str, Any], options: Options
    ) -> int | None:
        """Publish an event; return its publication where an acknowledgement was asked for."""
        wishes = self.wishes(Publish, options) if options else Wishes({}, None)
        args, kwargs = check_request("PUBLISH", topic, args, kwargs, self.default)
        if kwargs:
            tell_misplaced(self.shared, Publish, kwargs)
        if wishes.asked:
            args, kwargs = self.packed("PUBLISH", topic, args, kwargs, wishes.asked)
        if not wishes.asked.get("acknowledge"):
            self.shared.tell(Publish, wishes.asked, topic, args, kwargs)
            return None
        answer = self.ask(wishes, Publish, WaitingRequest(topic), topic, args, kwargs)
        publication: int = answer.publication
        return publication

    def wishes(self, kind: type[Message], options: Options) -> Wishes:
        """Take options apart; the log tells of those that will have no effect.

        Raises ApplicationError for one that must not be sent to this router.
        """
        wishes = apart(kind, options, self.timeout)
        if wishes.asked:
            check_heeded(self.shared, kind, wishes.asked)
        if wishes.describe:
            check_described(self.shared)
        return wishes

    def ask(
        self, wishes: Wishes, kind: type[Message], waiting: WaitingRequest, *elements: Any
    ) -> Any:
        """Send a request with options, and wait for its answer."""
        return self._ask(wishes.timeout, kind, waiting, wishes.asked, *elements)

    def ask_any(self, kind: type[Message], elements: tuple[Any, ...], timeout: float | None) -> Any:
        """Send a request of any kind; see `Session.ask`."""
        subject = next((element for element in elements if isinstance(element, str)), "")
        waiting = WaitingRequest(subject)
        return self._ask(self.timeout if timeout is None else timeout, kind, waiting, *elements)

    def ask_if(self, send: Callable[[WaitingRequest], bool | None], subject: str) -> None:
        """Ask where the conversation decides whether there is anything to ask."""
        self.shared.ask_if(self.timeout, send, subject)

    def _ask(
        self, seconds: float | None, kind: type[Message], waiting: WaitingRequest, *elements: Any
    ) -> Any:
        try:
            return self.shared.ask(seconds, kind, waiting, *elements)
        except ApplicationError as error:
            raise self._named(error, waiting)  # noqa: B904 - it has its cause

    def _named(
        self, error: ApplicationError, waiting: WaitingRequest, kwargs: Iterable[str] = ()
    ) -> BaseException:
        """Return what an ERROR stands for, with a text that names the request."""
        request = f"{name(waiting.kind)} of {waiting.subject}"
        if isinstance(error, InvalidArgument) and (hint := options_among(waiting.kind, kwargs)):
            request += f"; {hint}"
        elif isinstance(error, CallTimeout) and self._serving.is_busy_with(waiting.subject):
            request += "; it waits for the handler that makes it: calls are served one by one here"
        return self._serving.defined.named(self._readable(error), request)
