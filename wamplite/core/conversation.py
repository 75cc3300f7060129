"""The client's side of a session after WELCOME: requests that wait, handlers that serve.

    JOINING ── begin ──> OPEN ── leave ──> LEAVING ── GOODBYE ──> CLOSED
                          └─── GOODBYE, ABORT, a violation, a loss ──^

A request gets the next id, is sent, and waits in `pending` until exactly one `settle`. A request
that is given up is abandoned: its answer is then ignored, and what a late SUBSCRIBED or REGISTERED
opened is given back. LEAVING ignores all but GOODBYE and ABORT (RFC "Session Closing"). What the
router must not say is answered with ABORT wamp.error.protocol_violation (RFC "Protocol Errors").

Features write into `handlers` (the first argument of a handler is the conversation) and `answers`.
One thread at a time: the lock is up to the owner of a conversation that several threads share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from . import uris
from .errors import ProtocolError, TransportLost, WampliteError, from_error
from .feature import Factory, Handlers, announced, furnish
from .grammar import CLIENT, GRAMMAR, State, announces, counting_in, misplaced
from .messages import (
    CODES,
    Abort,
    Args,
    Call,
    Details,
    Error,
    Event,
    Goodbye,
    Invocation,
    Kwargs,
    Message,
    Publish,
    Published,
    Register,
    Registered,
    Result,
    Subscribe,
    Subscribed,
    Unregister,
    Unregistered,
    Unsubscribe,
    Unsubscribed,
    Welcome,
    Yield,
)
from .pending import Receiver, Receivers, Request, Requests
from .unfit import Unfit, failure

OPEN = State.OPEN  # asked for each message: a member of an Enum costs a call before Python 3.11
LAST_WORDS = counting_in(State.LEAVING)  # all else is ignored then
Handler = Callable[["Conversation", Any], None]
Answer = Callable[[Any, Any], Any]  # (invocation, what a procedure returned): what to answer


class Conversation:
    """One session of a client, without socket, thread or clock.

    send: put a message on the wire; it may raise, and then nothing has happened. What it returns is
    returned by the verbs that say something, None where there is nothing to say.
    deliver: (receiver, event, topic) for each receiver of an EVENT, in order of arrival.
    serve: (receiver, invocation); it answers by `reply` or `refuse`, now or later.
    """

    def __init__(
        self,
        send: Callable[[Message], Any],
        deliver: Callable[[Receiver, Event, str], None],
        serve: Callable[[Receiver, Invocation], None],
        features: Iterable[Factory] = (),
    ) -> None:
        self.send = send
        self.deliver = deliver
        self.serve = serve
        self.dropped: Callable[[str], None] = lambda text: None  # of an EVENT that is unfit
        self.interrupt: Callable[[int], None] = lambda request: None  # an invocation
        self.revoked: Callable[[list[Receiver], str], None] = lambda receivers, what: None
        self.go_on: Callable[[Invocation], None] = lambda part: None  # a further part of one
        self.state = State.JOINING
        self.session = 0
        self.details: dict[str, Any] = {}  # of WELCOME
        self.error: WampliteError | None = None  # why it is closed; None: we left
        self._requests = Requests(send)
        self.pending = self._requests.waiting
        self.request = self._requests.ask
        self.abandon = self._requests.abandon
        self.subscriptions: dict[int, Receivers] = {}
        self.registrations: dict[int, Receiver] = {}
        self.invocations: dict[int, Invocation] = {}  # not answered yet
        self.answers: dict[type, Answer] = {}  # what a value of that type means, if not itself
        self.handlers = Handlers(BASIC)
        self.roles = announced(CLIENT, furnish(self, features))

    def begin(self, welcome: Welcome) -> None:
        """Open the session that WELCOME grants."""
        self.session = welcome.session
        self.details = welcome.details
        self.state = OPEN

    def announced(self, role: str, feature: str) -> bool:
        """Tell whether the router announced `feature` for its role, broker or dealer."""
        return announces(self.details["roles"], role, feature)

    # ---- what we ask of the router

    def unsubscribe(self, number: int, receiver: Receiver, pending: Request) -> Any:
        """Take a receiver away; the last one's leaving asks the router."""
        subscription = self.subscriptions.get(number)
        if subscription is None or receiver not in subscription.receivers:
            return None
        subscription.receivers.remove(receiver)
        return self._release(subscription, pending)

    def unregister(self, number: int, pending: Request) -> Any:
        """Give a registration up; until the router has answered, it is still served."""
        if number not in self.registrations:
            return None
        pending.receiver = number
        return self.request(Unregister, pending, number)

    def leave(self, reason: str = uris.CLOSE_REALM) -> Any:
        """Say GOODBYE; whatever waits fails now, as nothing but GOODBYE counts from here on."""
        if self.state is not OPEN:
            return None
        sent = self.send(Goodbye({}, reason))
        self.state = State.LEAVING
        self._requests.fail(TransportLost("the session has left its realm"))
        return sent

    # ---- how we answer an INVOCATION

    def reply(
        self,
        request: int,
        args: Args = None,
        kwargs: Kwargs = None,
        progress: bool = False,
        options: Details | None = None,
    ) -> Any:
        """Answer an invocation with YIELD; nobody waits any more where it is not known.

        progress: more will follow. options: of the YIELD, besides.
        """
        if self.state is not OPEN or request not in self.invocations:
            return None
        asked = {"progress": True} if progress else {}
        if options:
            asked |= options
        sent = self.send(Yield(request, asked, args, kwargs))
        if not progress:
            del self.invocations[request]
        return sent

    def refuse(
        self,
        request: int,
        error: str,
        args: Args = None,
        kwargs: Kwargs = None,
        details: Details | None = None,
    ) -> Any:
        """Answer an invocation with ERROR."""
        if self.state is not OPEN or request not in self.invocations:
            return None
        sent = self.send(Error(CODES[Invocation], request, details or {}, error, args, kwargs))
        del self.invocations[request]
        return sent

    # ---- what the router says

    def receive(self, message: Any) -> None:
        """Handle a message of the router; a violation ends the session with ABORT."""
        if self.state is not OPEN and not self._is_last_word(message):
            return
        handler = self.handlers.get(type(message))
        try:
            if handler is None:
                raise misplaced(message, "router")
            handler(self, message)
        except ProtocolError as error:
            self.violated(error)

    def _is_last_word(self, message: Any) -> bool:
        return self.state is State.LEAVING and type(message) in LAST_WORDS

    def violated(self, error: ProtocolError) -> None:
        """End the session because the router broke WAMP, and tell it."""
        if self.state is not State.CLOSED:
            self.send(Abort({"message": str(error)}, uris.PROTOCOL_VIOLATION))
            self.close(error)

    def close(self, error: WampliteError | None) -> None:
        """End the session; what waits fails with the error, which is the first one's."""
        if self.state is not State.CLOSED:
            self.state = State.CLOSED
            self.error = error
        self._requests.fail(self.error or TransportLost("the session has left its realm"))
        self.invocations.clear()

    def _on_answer(self, message: Any) -> None:
        pending = self._requests.find(message[0], ASKED_BY[type(message)], message)
        if pending is not None:
            pending.settle(message)
            self._requests.drop(pending)

    def _on_result(self, message: Result) -> None:
        pending = self.pending.get(message[0])
        if pending is not None and pending.kind is Call:  # nearly always
            if message[1] and message[1].get("progress"):
                pending.progress(message)
                return
            pending.settle(message)
            self._requests.drop(pending)
        else:
            self._requests.find(message[0], Call, message)

    def _on_error(self, message: Error) -> None:
        kind = GRAMMAR[message.request_type].message
        if kind is Invocation:
            raise ProtocolError("ERROR: a router does not refuse its own INVOCATION")
        pending = self._requests.find(message.request, kind, message)
        if pending is None:
            return
        pending.settle(from_error(message.error, message.args, message.kwargs, message.details))
        self._requests.drop(pending)
        if kind is Subscribe:
            self._release_unused(pending)
        elif kind is Unregister:
            self.registrations.pop(pending.receiver, None)

    def _on_subscribed(self, message: Subscribed) -> None:
        pending = self._requests.find(message.request, Subscribe, message)
        if pending is None:
            return
        number = message.subscription
        subscription = self.subscriptions.get(number)
        if subscription is None:
            subscription = Receivers(number, pending.subject, pending.match)
            self.subscriptions[number] = subscription
        if pending.abandoned:
            self._requests.drop(pending)
            self._release(subscription, Request(pending.subject))
            return
        subscription.receivers.append(pending.receiver)
        pending.settle(message)
        self._requests.drop(pending)

    def _release(self, subscription: Receivers, pending: Request) -> Any:
        """Send UNSUBSCRIBE, unless somebody listens or a SUBSCRIBE is on its way."""
        coming = any(
            waiting.kind is Subscribe
            and (waiting.subject, waiting.match) == (subscription.topic, subscription.match)
            for waiting in self.pending.values()
        )
        if subscription.receivers or coming:
            return None
        sent = self.request(Unsubscribe, pending, subscription.id)
        del self.subscriptions[subscription.id]
        return sent

    def _release_unused(self, refused: Request) -> None:
        for subscription in list(self.subscriptions.values()):
            if (subscription.topic, subscription.match) == (refused.subject, refused.match):
                self._release(subscription, Request(refused.subject))

    def _on_registered(self, message: Registered) -> None:
        pending = self._requests.find(message.request, Register, message)
        if pending is None:
            return
        if pending.abandoned:
            self.request(Unregister, Request(pending.subject), message.registration)
        else:
            self.registrations[message.registration] = pending.receiver
            pending.settle(message)
        self._requests.drop(pending)

    def _on_unregistered(self, message: Unregistered) -> None:
        pending = self._requests.find(message.request, Unregister, message)
        if pending is not None:
            self.registrations.pop(pending.receiver, None)
            pending.settle(message)
            self._requests.drop(pending)

    def _on_event(self, message: Event) -> None:
        subscription = self.subscriptions.get(message.subscription)
        if subscription is None:
            return  # given up while the event was on its way
        for receiver in subscription.receivers:
            self.deliver(receiver, message, subscription.topic)

    def _on_invocation(self, message: Invocation) -> None:
        if message.request in self.invocations:
            raise ProtocolError(f"INVOCATION {message.request} is still being answered")
        self.invocations[message.request] = message
        receiver = self.registrations.get(message.registration)
        if receiver is not None:
            self.serve(receiver, message)
            return
        text = f"registration {message.registration} has been given up"
        self.refuse(message.request, uris.NO_SUCH_PROCEDURE, [text])

    def _on_unfit(self, entry: Unfit) -> None:
        """Let what cannot be carried fail by itself.

        The call raises, the invocation is refused, the event is dropped and logged.
        """
        if type(entry.message) is Event:
            self.dropped(entry.text)
        elif type(entry.message) is Invocation:
            self.send(failure(entry))
        else:
            self.handlers[Error](self, failure(entry))

    def _on_goodbye(self, message: Goodbye) -> None:
        if self.state is State.LEAVING:
            self.close(None)  # the answer to ours, or one that crossed it: none is due
            return
        self.send(Goodbye({}, uris.GOODBYE_AND_OUT))
        self.close(TransportLost(_text("the router said GOODBYE", message)))

    def _on_abort(self, message: Abort) -> None:
        self.close(TransportLost(_text("the router ended the session with ABORT", message)))


def _text(what: str, message: Goodbye | Abort) -> str:
    said = message.details.get("message")
    return f"{what}: {message.reason}" + (f" ({said})" if said else "")


ASKED_BY: dict[type, type[Message]] = {
    Published: Publish,
    Unsubscribed: Unsubscribe,
}
BASIC: dict[type, Handler] = {
    Result: Conversation._on_result,
    Published: Conversation._on_answer,
    Subscribed: Conversation._on_subscribed,
    Unsubscribed: Conversation._on_answer,
    Registered: Conversation._on_registered,
    Unregistered: Conversation._on_unregistered,
    Event: Conversation._on_event,
    Unfit: Conversation._on_unfit,
    Invocation: Conversation._on_invocation,
    Error: Conversation._on_error,
    Goodbye: Conversation._on_goodbye,
    Abort: Conversation._on_abort,
}
