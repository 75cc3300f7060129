"""Users' code is run, and what it returns or raises goes back as YIELD or ERROR.

What cannot be sent is an ERROR too: every invocation gets exactly one answer. An exception of a
handler is logged, with its URI. All of this happens on the handlers' threads (`workers`).
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import suppress
from functools import partial
from types import GeneratorType
from typing import Any

from ..channel import TooLarge
from ..core import messages, uris
from ..core.conversation import Answer
from ..core.errors import ProtocolError, SessionNotReady, TransportLost, UsageError
from ..core.messages import Error, Message, Yield, name
from ..core.words import shorten
from .faults import Faults, class_name
from .handlers import Defined, Refusal, refusal_of, result_of, takes_no_such_arguments
from .heeding import check_heeded
from .passthru import Passthru, Payload, wish_of
from .results import Event, Invocation, Registration, Result, Subscription
from .running import Running
from .shared_conversation import SharedConversation
from .values import Default, sendable


class Answering:
    """Runs the handlers of one session.

    answers: what a procedure returned, by type, where that is more than a value: it is handed to a
    function(invocation, returned) which returns what to answer. Features add to it.
    """

    def __init__(
        self,
        shared: SharedConversation,
        defined: Defined,
        faults: Faults,
        default: Default | None,
        passthru: Passthru,
    ) -> None:
        self.answers: dict[type, Answer] = {
            GeneratorType: self._generate,
            **shared.conversation.answers,
        }
        self._shared = shared
        self._reply = partial(shared.say, shared.conversation.reply)
        self._send_error = partial(shared.say, shared.conversation.refuse)
        self._defined = defined
        self._faults = faults
        self._default = default
        self._passthru = passthru

    def handle(self, subscription: Subscription, message: messages.Event, topic: str) -> None:
        """Call the handler of a subscription."""
        if not subscription.active:
            return
        details = message.details
        topic = details.get("topic", topic)
        try:
            args, kwargs = self._payload(f"EVENT of {topic}", message)
            subscription.run(
                Event(topic, args, kwargs, details, message.publication, message.subscription)
            )
        except BaseException as error:
            at_length = not takes_no_such_arguments(error)
            what, whose = f"EVENT of {topic}", subscription.handler_name
            self._faults.tell(self._level(error), what, whose, error, at_length)

    def answer(self, registration: Registration, running: Running) -> None:
        """Answer an invocation, whatever its handler does; the second answer would not be sent."""
        message, whose = running.message, registration.handler_name
        procedure = message.details.get("procedure", registration.procedure)
        what = f"INVOCATION of {procedure}"
        try:
            running.check()  # it may have waited
            args, kwargs = self._payload(what, message)
            numbers = message.request, message.registration
            invocation = Invocation(procedure, args, kwargs, message.details, *numbers, running)
            returned = registration.run(invocation)
            answer = self.answers.get(type(returned))
            if answer is not None:
                returned = answer(invocation, returned)
        except BaseException as error:
            refusal = refusal_of(error, self._defined.uris)
            try:
                self._tell(refusal, what, whose, error)
            finally:
                self._refuse(message.request, refusal)
            return
        try:
            args, kwargs = sendable(*result_of(returned), self._default)
            if type(returned) is Result and returned.details:
                args, kwargs, options = self._packed(Yield, args, kwargs, returned.details)
                self._reply(message.request, args, kwargs, False, options)
            else:
                self._reply(message.request, args, kwargs)
        except TransportLost:
            pass  # the reading thread tells everybody
        except BaseException as error:
            self._faults.tell("ERROR", f"result for {what}", whose, error, traceback=True)
            uri = uris.PAYLOAD_SIZE_EXCEEDED if type(error) is TooLarge else uris.RUNTIME_ERROR
            self._refuse(message.request, Refusal(uri, [f"result: {_told(error)}"], {}))

    def _generate(self, invocation: Invocation, generator: Generator[Any, Any, Any]) -> Any:
        """Send what a generator yields as partial results; return what the last one is to be.

        Where the caller wants none, that is a list of all, unless the generator returns something.
        """
        every: list[Any] = []
        try:
            while True:
                value = next(generator)
                invocation.check()
                if invocation.running is not None and invocation.wants_progress:
                    details = value.details if isinstance(value, Result) else {}
                    invocation.running.progress(*result_of(value), details)
                else:
                    every.append(value)
        except StopIteration as stop:
            return every if stop.value is None and not invocation.wants_progress else stop.value
        finally:
            generator.close()

    def progress(
        self, running: Running, args: list[Any], kwargs: dict[str, Any], details: dict[str, Any]
    ) -> None:
        """Send a partial result."""
        args, kwargs = sendable(args, kwargs, self._default)
        args, kwargs, options = self._packed(Yield, args, kwargs, details)
        self._reply(running.message.request, args, kwargs, True, options)

    def unpack(self, part: messages.Invocation, first: messages.Invocation) -> Payload:
        """Return what a part of a call says, packed as the first one tells.

        Raises ApplicationError where it cannot be read.
        """
        return self._payload("INVOCATION", part._replace(details=first.details))

    def _payload(self, what: str, message: messages.Event | messages.Invocation) -> Payload:
        if message.details and message.details.get("ppt_scheme"):
            return self._passthru.unpack(what, message.args, message.kwargs, message.details)
        return positional(message.args), message.kwargs or {}

    def _packed(
        self,
        kind: type[Message],
        args: list[Any],
        kwargs: dict[str, Any],
        details: Mapping[str, Any],
    ) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
        """Pack an answer whose details ask for it; the third is what goes with it."""
        wish: dict[str, Any] = dict(wish_of(details)) if details else {}
        if wish:
            check_heeded(self._shared, kind, wish)
            args, kwargs = self._passthru.pack(name(kind), args, kwargs, wish)
        return args, kwargs, wish

    def _refuse(self, request: int, refusal: Refusal) -> None:
        with suppress(TransportLost):
            try:
                args, kwargs = sendable(refusal.args, refusal.kwargs, self._default)
                args, kwargs, details = self._packed(Error, args, kwargs, refusal.details)
                self._send_error(request, refusal.error, args, kwargs, details)
            except TransportLost:
                raise
            except BaseException as error:
                text = shorten(f"its arguments cannot be sent: {_told(error)}")
                self._send_error(request, refusal.error, [text])

    def _tell(self, refusal: Refusal, what: str, whose: str, error: BaseException) -> None:
        """Log what a procedure raised: in a line what was meant for its caller."""
        if refusal.error == uris.RUNTIME_ERROR:
            self._faults.tell(self._level(error), what, whose, error, traceback=True)
        elif takes_no_such_arguments(error):
            self._faults.tell("WARNING", what, whose, error)
        else:
            self._faults.tell("INFO", what, whose, error)

    def _level(self, error: BaseException) -> str:
        """Return ERROR, less where a handler outlived its session and could not know."""
        ended = isinstance(error, (TransportLost, SessionNotReady))
        return "DEBUG" if ended and self._shared.lost.is_set() else "ERROR"


def _told(error: BaseException) -> str:
    """Tell why something could not be sent, in our own words only: those always can be sent."""
    return str(error) if isinstance(error, (ProtocolError, UsageError)) else class_name(error)


def positional(args: messages.Args) -> list[Any]:
    """Return Arguments as a list; a payload that passed through unread is one binary value."""
    return args if type(args) is list else [] if args is None else [args]


def value_of(result: Any) -> Any:
    """Return what `call` returns of a RESULT: None, the one value, or a Result of several."""
    values = result.args
    if result.kwargs or (values and (len(values) != 1 or type(values) is not list)):
        return Result(positional(values), result.kwargs, result.details)
    return values[0] if values else None
