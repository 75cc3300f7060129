"""A forked child cannot use what is its parent's, nor end it; and nothing of it can be pickled."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, inside
from tests.processes import ROOT
from tests.transports.streams import make_certificate
from tests.waiting import until
from wamplite.bridge.bridge import Bridge
from wamplite.bridge.configuration.builder import Port, make_settings
from wamplite.transports.tls import TlsOptions

BELONGS = "this {} belongs to process {}; {} after a fork"
ANEW = {"session": "connect anew", "component": "make a new one", "router": "make a new one"}
ANEW["bridge"] = "make a new one"


def in_child(verb: Callable[[], object]) -> str:
    """Run a verb in a forked child; return what it returned or raised there, in words."""
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # a fork with threads is the point
        child = os.fork()
    if child == 0:
        try:
            outcome = repr(verb())
        except BaseException as error:
            outcome = f"{type(error).__name__}: {error}"
        os.write(writing, outcome.encode())
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        outcome = pipe.read()
    assert os.waitpid(child, 0)[1] == 0
    return outcome


def refused(what: str) -> str:
    return f"UsageError: {BELONGS.format(what, os.getpid(), ANEW[what])}"


@pytest.fixture
def router() -> Iterator[wamplite.Router]:
    with wamplite.Router() as router:
        yield router


@pytest.fixture(params=["rs", "ws", "unix", "rss", "in process"])
def session(
    request: pytest.FixtureRequest, router: wamplite.Router, tmp_path: Path
) -> Iterator[wamplite.Session]:
    if request.param == "in process":
        with router.connect() as session:
            yield session
        return
    tls: Any = None
    if request.param == "unix":
        url = router.listen(f"unix://{tmp_path}/router.sock")
    elif request.param == "rss":
        made = make_certificate(tmp_path)
        url = router.listen("tls://127.0.0.1:0", cert=str(made.cert), key=str(made.key))
        url = url.replace("tls:", "rss:")
        tls = TlsOptions(cafile=str(made.cert))
    else:
        port = router.listen("tcp://127.0.0.1:0").rpartition(":")[2]
        url = f"{request.param}://127.0.0.1:{port}" + ("/ws" if request.param == "ws" else "")
    with wamplite.connect(url, tls=tls) as session:
        yield session


USES: dict[str, Callable[[wamplite.Session], object]] = {
    "call": lambda session: session.call("com.app.same", 1),
    "call_result": lambda session: session.call_result("com.app.same", [1]),
    "publish": lambda session: session.publish("com.app.t", 1),
    "publish_args": lambda session: session.publish_args("com.app.t", [1]),
    "acknowledged": lambda session: session.publish("com.app.t", options={"acknowledge": True}),
    "subscribe": lambda session: session.subscribe("com.app.u", print),
    "register": lambda session: session.register("com.app.q", print),
    "run_forever": lambda session: session.run_forever(),
}


def test_every_use_in_a_child_is_refused_at_once_and_costs_the_parent_nothing(
    session: wamplite.Session,
) -> None:
    given = session.register("com.app.same", lambda value: value)
    taken = session.subscribe("com.app.t", print)
    for name, use in USES.items():
        assert in_child(lambda use=use: use(session)) == refused("session"), name
    for handle in (given.unregister, taken.unsubscribe):
        assert in_child(handle) == refused("session")
    [outcome] = eval(
        in_child(lambda: [str(one.error) for one in session.publish_all([("t", [1], {}, None)])])
    )
    assert f"UsageError: {outcome}" == refused("session")
    assert session.call("com.app.same", 5) == 5


def test_a_router_of_a_child_draws_other_publication_ids_than_its_parent() -> None:
    def drawn() -> list[int | None]:
        with wamplite.Router() as router, router.connect() as session:
            acknowledged = wamplite.PublishOptions(acknowledge=True)
            return [session.publish("com.app.t", options=acknowledged) for _ in range(3)]

    in_a_child = eval(in_child(drawn))
    assert not {*in_a_child} & {*drawn()}


def test_leaving_in_a_child_does_nothing(session: wamplite.Session) -> None:
    session.register("com.app.same", lambda value: value)
    assert in_child(session.leave) == "None"

    def within() -> None:
        with session:
            pass

    assert in_child(within) == "None"
    assert session.call("com.app.same", 5) == 5
    assert not session.lost.is_set()


def test_a_child_is_refused_whatever_locks_were_held_as_it_was_forked(
    router: wamplite.Router,
) -> None:
    with wamplite.connect(router.listen("rs://127.0.0.1:0")) as session:
        held, done = threading.Event(), threading.Event()

        def hold() -> None:
            with inside(session)._lock, session._serving.pool._lock:
                held.set()
                done.wait(PATIENCE)

        holder = threading.Thread(target=hold)
        holder.start()
        assert held.wait(PATIENCE)
        assert in_child(lambda: session.call("com.app.p")) == refused("session")
        assert in_child(session.leave) == "None"
        done.set()
        holder.join()


def test_a_child_of_a_child_knows_whose_it_is(router: wamplite.Router) -> None:
    with router.connect() as session:
        use = USES["call"]
        assert in_child(lambda: in_child(lambda: use(session))) == repr(refused("session"))


def test_a_child_connects_anew(router: wamplite.Router) -> None:
    url = router.listen("rs://127.0.0.1:0")
    with wamplite.connect(url) as session:
        session.register("com.app.same", lambda value: value)

        def anew() -> Any:
            with wamplite.connect(url) as own:
                return own.call("com.app.same", 7)

        assert in_child(anew) == "7"


def test_a_component_is_its_parents(router: wamplite.Router) -> None:
    joined = threading.Event()
    app = wamplite.Component(router.listen("rs://127.0.0.1:0"))
    app.register("com.app.same", lambda value: value)
    app.on_join(lambda session: joined.set())
    app.start()
    assert joined.wait(PATIENCE)
    for use in (app.start, app.run, lambda: app.subscribe("com.app.t", print)):
        assert in_child(use) == refused("component")
    assert in_child(app.stop) == "None"
    with router.connect() as session:
        assert session.call("com.app.same", 5) == 5
    app.stop()


def test_a_component_that_was_not_started_is_anybodys(router: wamplite.Router) -> None:
    app = wamplite.Component(router.listen("rs://127.0.0.1:0"))
    app.register("com.app.pid", os.getpid)

    def serve() -> Any:
        joined = threading.Event()
        app.on_join(lambda session: joined.set())
        app.start()
        joined.wait(PATIENCE)
        assert app.session is not None
        found = app.session.call("com.app.pid") == os.getpid()
        app.stop()
        return found

    assert in_child(serve) == "True"


def test_a_router_is_its_parents(router: wamplite.Router) -> None:
    url = router.listen("rs://127.0.0.1:0")
    with wamplite.connect(url) as session:
        session.register("com.app.same", lambda value: value)
        for use in (router.connect, router.run_forever, lambda: router.listen("rs://127.0.0.1:0")):
            assert in_child(use) == refused("router")
        assert in_child(router.close) == "None"
        assert session.call("com.app.same", 5) == 5
    with wamplite.connect(url):
        assert router.sessions == 1


def test_a_bridge_is_its_parents(router: wamplite.Router, tmp_path: Path) -> None:
    port = Port(f"{tmp_path}/nothing").lines().publish("com.app.t")
    settings = make_settings(port, url=router.listen("rs://127.0.0.1:0"))
    with Bridge(settings) as bridge:
        assert in_child(bridge.start) == refused("bridge")
        assert in_child(bridge.stop) == "None"


PROGRAM = """
import os, signal, sys, warnings, wamplite
warnings.simplefilter("ignore", DeprecationWarning)
{before}
child = os.fork()
if child == 0:
    {child}
print(child, flush=True)
sys.stdin.read()
"""


@contextmanager
def forked(before: str, child: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Run a program that forks; give it, and what it printed: the child's number comes last."""
    command = [sys.executable, "-c", PROGRAM.format(before=before, child=child)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        printed = [process.stdout.readline().strip()]
        while not printed[-1].isdecimal():
            printed.append(process.stdout.readline().strip())
            assert printed[-1], "the program has ended"
        try:
            yield process, printed
        finally:
            process.kill()
            with suppress(ProcessLookupError):
                os.kill(int(printed[-1]), signal.SIGKILL)


def test_the_end_of_a_childs_interpreter_costs_the_parent_nothing(router: wamplite.Router) -> None:
    url = router.listen("rs://127.0.0.1:0")
    before = f"s = wamplite.connect({url!r}); s.register('com.app.pid', os.getpid)"
    with forked(before, "sys.exit()") as (process, _), router.connect() as session:
        for _ in range(3):
            assert session.call("com.app.pid") == process.pid


def test_a_child_does_not_keep_its_parents_session_alive(router: wamplite.Router) -> None:
    url = router.listen("rs://127.0.0.1:0")
    before = f"session = wamplite.connect({url!r})"
    with forked(before, "signal.pause()") as (process, _):
        assert router.sessions == 1
        process.kill()
        until(lambda: router.sessions == 0)


def test_a_child_does_not_keep_its_parents_port() -> None:
    before = "router = wamplite.Router(); print(router.listen('rs://127.0.0.1:0'), flush=True)"
    with forked(before, "signal.pause()") as (process, printed):
        process.kill()
        process.wait()
        until(lambda: "refused" in outcome(printed[0]))  # the child closes it once it runs


def outcome(url: str) -> str:
    """Say why nobody can connect."""
    with pytest.raises(wamplite.TransportLost) as lost:
        wamplite.connect(url, connect_timeout=1)
    return str(lost.value)


@pytest.mark.parametrize("carry", [pickle.dumps, copy.deepcopy])
def test_nothing_of_it_can_be_pickled(router: wamplite.Router, carry: Any) -> None:
    app = wamplite.Component("rs://127.0.0.1:9")
    with router.connect() as session:
        taken = session.subscribe("com.app.t", print)
        for thing in (session, taken, session.leave, {"a": session}):
            with pytest.raises(
                wamplite.UsageError, match="this session belongs to process .* anew"
            ):
                carry(thing)
    for thing, what in ((app, "component"), (router, "router")):
        with pytest.raises(wamplite.UsageError, match=f"this {what} belongs to process .* pickled"):
            carry(thing)
