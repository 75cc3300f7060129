"""What features and functions may do with a session: each doorway is used by one made up here."""

from __future__ import annotations

import threading
from types import CoroutineType
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, Peer, inside, soon
from tests.waiting import until
from wamplite.core.feature import Feature, Host
from wamplite.core.messages import Call, Interrupt, Unregistered


class Celsius:
    """A value of a type that no serializer knows."""

    def __init__(self, degrees: float) -> None:
        self.degrees = degrees


class Temperatures(Feature):
    """A procedure may return a temperature."""

    name = "temperatures"
    roles = ("callee",)

    def install(self, host: Host) -> None:
        host.answers[Celsius] = self.answer

    def answer(self, invocation: wamplite.Invocation, returned: Celsius) -> wamplite.Result:
        invocation.progress("measured")
        return wamplite.Result([returned.degrees], {"unit": "C", "of": invocation.procedure})


class Coroutines(Feature):
    """A procedure may be a coroutine function; each step of it is None."""

    name = "coroutines"

    def install(self, host: Host) -> None:
        host.answers[CoroutineType] = self.run

    def run(self, invocation: wamplite.Invocation, coroutine: Any) -> Any:
        while True:
            try:
                coroutine.send(None)
            except StopIteration as stop:
                return stop.value


class Stopping(Feature):
    """INTERRUPT reaches the handler."""

    name = "stopping"

    def install(self, host: Host) -> None:
        host.handlers.claim(Interrupt, lambda talk, message: talk.interrupt(message.request))


class Revoking(Feature):
    """UNREGISTERED with request 0 takes a registration away."""

    name = "revoking"

    def install(self, host: Host) -> None:
        host.handlers.wrap(Unregistered, self.on_unregistered)

    def on_unregistered(self, inner: Any, talk: Any, message: Unregistered) -> None:
        assert message.request == 0 and message.details
        talk.revoked([talk.registrations.pop(message.details["registration"])], "it was taken away")


def joined(peer: Peer, *features: Any) -> wamplite.Session:
    joining = soon(wamplite.connect, peer.url, "realm1", features=list(features))
    peer.welcome()
    session: wamplite.Session = joining.result()
    return session


def served(peer: Peer, session: wamplite.Session, handler: Any) -> wamplite.Registration:
    """Register com.app.p as registration 90."""
    registering = soon(session.register, "com.app.p", handler)
    peer.send([65, peer.receive()[1], 90])
    registration: wamplite.Registration = registering.result()
    return registration


@pytest.fixture
def router() -> Any:
    with wamplite.Router(features="all") as router:
        yield router


def test_a_feature_says_what_a_returned_value_means(router: wamplite.Router) -> None:
    with router.connect(features=["standard", Temperatures]) as session:
        session.register("com.app.heat", lambda: Celsius(21.5))
        seen: list[Any] = []
        result = session.call("com.app.heat", on_progress=seen.append)
        assert (result.args, result.kwargs) == ([21.5], {"unit": "C", "of": "com.app.heat"})
        assert seen == ["measured"]


def test_without_the_feature_it_means_nothing(router: wamplite.Router) -> None:
    with router.connect() as session:
        session.register("com.app.heat", lambda: Celsius(21.5))
        with pytest.raises(wamplite.ApplicationError, match="Celsius"):
            session.call("com.app.heat")


async def asynchronous(value: int) -> int:
    return 2 * value


def test_a_feature_may_let_a_session_and_a_component_serve_what_is_no_plain_function(
    router: wamplite.Router,
) -> None:
    with router.connect(features=[Coroutines]) as session:
        session.register("com.app.double", asynchronous)
        assert session.call("com.app.double", 21) == 42
    url = router.listen("rs://127.0.0.1:0")
    component = wamplite.Component(url, features=[Coroutines])
    component.register("com.app.double", asynchronous)
    with component:
        assert component.wait_joined(PATIENCE).call("com.app.double", 21) == 42
    with pytest.raises(wamplite.UsageError, match="coroutine"):
        wamplite.Component(url).register("com.app.double", asynchronous)


def test_an_interrupt_reaches_the_handler_that_serves(peer: Peer) -> None:
    told: list[bool] = []

    def handler(invocation: wamplite.Invocation) -> str:
        told.append(invocation.wait(PATIENCE))
        return "stopped"

    session = joined(peer, Stopping)
    served(peer, session, handler)
    peer.send([68, 7, 90, {}])
    peer.send([69, 8, {"mode": "kill"}], [69, 7, {"mode": "kill"}])
    assert peer.receive() == [70, 7, {}, ["stopped"]]
    assert told == [True]
    peer.hang_up()
    assert session.lost.wait(PATIENCE)


def test_the_end_of_the_session_reaches_the_handlers_that_serve(peer: Peer) -> None:
    begun, told = threading.Event(), threading.Event()

    def handler(invocation: wamplite.Invocation) -> None:
        begun.set()
        if invocation.wait(PATIENCE) and invocation.canceled:
            told.set()

    session = joined(peer)
    served(peer, session, handler)
    peer.send([68, 7, 90, {}])
    assert begun.wait(PATIENCE)
    peer.hang_up()
    assert told.wait(PATIENCE)
    assert session.lost.is_set()


def test_progress_goes_out_before_the_answer_where_the_caller_wants_it(peer: Peer) -> None:
    def handler(invocation: wamplite.Invocation) -> str:
        invocation.progress("half", of=2)
        return "all"

    session = joined(peer)
    served(peer, session, handler)
    peer.send([68, 7, 90, {"receive_progress": True}], [68, 8, 90, {}])
    said = [peer.receive() for _ in range(3)]
    assert [array for array in said if array[1] == 7] == [
        [70, 7, {"progress": True}, ["half"], {"of": 2}],
        [70, 7, {}, ["all"]],
    ]
    assert [array for array in said if array[1] == 8] == [[70, 8, {}, ["all"]]]
    peer.hang_up()
    assert session.lost.wait(PATIENCE)


def test_a_registration_that_is_taken_away_is_told(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    session = joined(peer, Revoking)
    registration = served(peer, session, print)
    peer.send([67, 0, {"registration": 90, "reason": "com.app.why"}])
    until(lambda: not registration.active, "it is given up")
    assert caplog.messages == ["it was taken away"]
    registration.unregister()  # nothing is left to ask for
    session.publish("com.app.t")
    assert peer.receive()[0] == 16
    peer.hang_up()
    assert session.lost.wait(PATIENCE)


# ---- whose a feature is


class Remembering(Feature):
    """Remembers all that were installed, and into what."""

    name = "remembering"
    installed: list[tuple[Any, Any]] = []

    def install(self, host: Host) -> None:
        self.installed.append((self, host))


def test_a_component_makes_its_features_anew_for_each_session(peer: Peer) -> None:
    component = wamplite.Component(peer.url, features=[Remembering], initial_retry_delay=0.01)
    Remembering.installed.clear()
    hosts = []
    with component:
        for _ in range(2):
            peer.welcome()
            hosts.append(inside(component.wait_joined(PATIENCE)).conversation)
            peer.send([6, {}, "wamp.close.system_shutdown"])
            assert peer.receive()[0] == 6
            until(lambda: component.session is None, "it has ended")
    assert [host for _, host in Remembering.installed][:2] == hosts
    assert Remembering.installed[0][0] is not Remembering.installed[1][0]


@pytest.mark.parametrize("kind", ["connect", "Component"])
def test_two_features_of_one_name_are_refused_before_anything_is_dialled(kind: str) -> None:
    with pytest.raises(wamplite.UsageError, match="two features 'remembering'"):
        getattr(wamplite, kind)("rs://127.0.0.1:1", features=[Remembering, Remembering])


# ---- functions that take a session


def count(session: wamplite.Session) -> int:
    """Ask the router how many sessions there are."""
    answer = session.ask(Call, {}, "wamp.session.count")
    return int(answer.args[0])


class Steps:
    """An object that takes a session, and does something on a thread of its."""

    def __init__(self, session: wamplite.Session) -> None:
        self.session = session
        self.done = threading.Event()
        self.thread = ""

    def begin(self) -> bool:
        return self.session.spawn(self._work)

    def _work(self) -> None:
        self.thread = threading.current_thread().name
        assert self.session.in_handler
        self.done.set()


def test_a_function_may_ask_with_any_request(router: wamplite.Router) -> None:
    with router.connect() as session:
        assert count(session) == 1
        with pytest.raises(wamplite.NoSuchProcedure, match=r"CALL of com\.app\.nobody"):
            session.ask(Call, {}, "com.app.nobody")


def test_what_is_asked_has_the_sessions_timeout_or_its_own(peer: Peer) -> None:
    session = peer.join(timeout=0.01)
    with pytest.raises(wamplite.CallTimeout, match=r"CALL of com\.app\.p within 0\.01 s"):
        session.ask(Call, {}, "com.app.p")
    with pytest.raises(wamplite.CallTimeout, match=r"within 0\.02 s"):
        session.ask(Call, {}, "com.app.p", timeout=0.02)
    peer.hang_up()
    assert session.lost.wait(PATIENCE)


def test_a_job_runs_on_a_thread_of_the_session(router: wamplite.Router) -> None:
    with router.connect() as session:
        steps = Steps(session)
        assert steps.begin()
        assert steps.done.wait(PATIENCE)
        assert steps.thread.startswith(f"wamplite-call-{session.id}-")
    assert not session.spawn(print)


def test_a_job_that_fails_is_logged(
    router: wamplite.Router, caplog: pytest.LogCaptureFixture
) -> None:
    with router.connect() as session:
        assert session.spawn(lambda: 1 / 0)
    assert "a job of the client raised ZeroDivisionError: division by zero" in caplog.text


def test_a_session_tells_when_the_events_that_arrived_are_handled(router: wamplite.Router) -> None:
    seen = []
    with router.connect() as session, router.connect() as other:
        session.subscribe("com.app.t", seen.append)
        for number in range(100):
            other.publish("com.app.t", number, options={"acknowledge": True})
        session.subscribe("com.app.u", print)  # answered behind the events
        assert session.drain(PATIENCE)
        assert seen == list(range(100))
