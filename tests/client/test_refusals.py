"""Every invocation gets exactly one answer, whatever its procedure raises."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import wamplite
from tests.client.scripted import PATIENCE, Peer, soon
from tests.waiting import until

RUNTIME = "wamp.error.runtime_error"


@pytest.fixture
def ann(url: str) -> Iterator[wamplite.Session]:
    with wamplite.connect(url, timeout=PATIENCE, max_invocations=2) as session:
        yield session


@pytest.fixture
def bob(url: str) -> Iterator[wamplite.Session]:
    with wamplite.connect(url, timeout=PATIENCE) as session:
        yield session


def fail(*_: Any, **__: Any) -> Any:
    raise ValueError("broken")


class BrokenText(Exception):
    __str__ = __repr__ = fail


class EndsInText(Exception):
    def __str__(self) -> str:
        raise SystemExit(1)


class NoText(Exception):
    def __str__(self) -> str:
        return 5  # type: ignore[return-value]


class NamelessType(type):
    @property
    def __name__(cls) -> str:  # type: ignore[override]
        raise ValueError("no name")

    __hash__ = fail  # type: ignore[assignment]


class Nameless(Exception, metaclass=NamelessType):
    pass


class OddArguments(Exception):
    args = property(fail)  # type: ignore[assignment]


class OddNames(wamplite.ApplicationError):
    kwargs = property(fail, lambda self, value: None)  # type: ignore[assignment]


class OddUri(wamplite.ApplicationError):
    error = property(fail, lambda self, value: None)  # type: ignore[assignment]


class NoTraceback(Exception):
    __notes__ = __suppress_context__ = property(fail)  # type: ignore[assignment]


class Classless(Exception):
    __class__ = property(fail)  # type: ignore[assignment]


class Defined(Exception):
    args = property(fail)  # type: ignore[assignment]


def spoilt(**attributes: Any) -> Exception:
    error = wamplite.ApplicationError("com.app.no", "why")
    vars(error).update(attributes)
    return error


def endless() -> list[Any]:
    """Return a list that contains itself."""
    found: list[Any] = []
    found.append(found)
    return found


NASTY: list[tuple[Callable[[], BaseException], str]] = [
    (lambda: BrokenText(), RUNTIME),
    (lambda: BrokenText("x" * (1 << 21)), RUNTIME),
    (lambda: EndsInText(), RUNTIME),
    (lambda: NoText(), RUNTIME),
    (lambda: Nameless("x"), RUNTIME),
    (lambda: OddArguments(), RUNTIME),
    (lambda: OddNames("com.app.no"), RUNTIME),
    (lambda: OddUri("com.app.no"), RUNTIME),
    (lambda: NoTraceback("x"), RUNTIME),
    (lambda: Defined("x"), RUNTIME),
    (lambda: Classless("x"), RUNTIME),
    (lambda: spoilt(kwargs=None), "com.app.no"),
    (lambda: spoilt(kwargs=5), RUNTIME),
    (lambda: spoilt(kwargs={5: 5}), "com.app.no"),
    (lambda: spoilt(kwargs={"k": object()}), "com.app.no"),
    (lambda: spoilt(kwargs={"k": BrokenText()}), "com.app.no"),
    (lambda: spoilt(error=None), RUNTIME),
    (lambda: spoilt(error=object()), RUNTIME),
    (lambda: spoilt(error="com..no"), RUNTIME),
    (lambda: spoilt(error="\udcff"), RUNTIME),
    (lambda: spoilt(error="x" * (1 << 21)), RUNTIME),
    (lambda: wamplite.ApplicationError("com.app.no", "x" * (1 << 21)), "com.app.no"),
    (lambda: wamplite.ApplicationError("com.app.no", "\udcff"), "com.app.no"),
    (lambda: wamplite.ApplicationError("com.app.no", endless()), "com.app.no"),
    (lambda: wamplite.ApplicationError("com.app.no", BrokenText()), "com.app.no"),
    (lambda: wamplite.UsageError("x"), RUNTIME),
    (lambda: wamplite.TransportLost("x"), RUNTIME),
    (lambda: wamplite.ProtocolError("x"), RUNTIME),
    (lambda: wamplite.SessionNotReady("x"), RUNTIME),
    (lambda: ValueError("\udcff"), RUNTIME),
    (lambda: ValueError("x" * (1 << 21)), RUNTIME),
    (lambda: OSError(5, "\udcff"), RUNTIME),
    (lambda: SystemExit(), RUNTIME),
    (lambda: KeyboardInterrupt(), RUNTIME),
    (lambda: GeneratorExit(), RUNTIME),
    (lambda: StopIteration(5), RUNTIME),
    (lambda: RecursionError(), RUNTIME),
    (lambda: MemoryError(), RUNTIME),
    (lambda: BaseException(), RUNTIME),
    (lambda: type("A" * 5000, (Exception,), {})(), RUNTIME),
]


def ways(error: BaseException) -> list[Any]:
    """Return the procedures that fail by an exception."""

    def directly() -> None:
        raise error

    def in_a_result() -> Any:
        result = wamplite.Result()
        result.args, result.kwargs = [error], {}
        return result

    return [directly, in_a_result]


def answer(session: wamplite.Session, procedure: str) -> str:
    """Return the URI of the ERROR that answers a call, once a thread is free for it."""
    for _ in range(1000):
        with pytest.raises(wamplite.ApplicationError) as refused:
            session.call(procedure)
        if refused.value.error != "wamp.error.unavailable":
            break
    return refused.value.error


@pytest.mark.parametrize("nasty", range(len(NASTY)))  # pytest would show the exception itself
def test_whatever_is_raised_the_caller_is_told_and_no_thread_dies(
    ann: wamplite.Session, bob: wamplite.Session, nasty: int
) -> None:
    make, uri = NASTY[nasty]
    logging.getLogger("wamplite.client").propagate = False  # pytest's own handler raises
    try:
        bob.define(Defined, "com.app.defined")
        ann.define(Defined, "com.app.defined")
        for number, way in enumerate(ways(make())):
            ann.register(f"com.app.p{number}", way)
            for _ in range(3):  # more often than there are threads
                assert answer(bob, f"com.app.p{number}") == (RUNTIME if number else uri)
        ann.register("com.app.good", lambda: 5)
        assert bob.call("com.app.good") == 5
    finally:
        logging.getLogger("wamplite.client").propagate = True


def deep() -> Any:
    """Return a list that nests deeper than WAMP's serializers all can."""
    found: Any = 5
    for _ in range(100):
        found = [found]
    return found


@pytest.mark.parametrize("junk", [5, None, [object()], [BrokenText()], deep()])
def test_a_result_that_was_spoilt_is_answered_too(
    ann: wamplite.Session, bob: wamplite.Session, junk: Any
) -> None:
    for attribute in ("args", "kwargs"):

        def spoil(attribute: str = attribute) -> wamplite.Result:
            result = wamplite.Result()
            setattr(result, attribute, junk)
            return result

        registration = ann.register("com.app.p", spoil)
        if junk is None:  # nothing: what WAMP sends for it, too
            assert bob.call("com.app.p") is None
        else:
            with pytest.raises(wamplite.ApplicationError, match="result: ") as refused:
                bob.call("com.app.p")
            assert refused.value.error == RUNTIME
        registration.unregister()


def test_each_answer_goes_out_once(peer: Peer) -> None:
    session = peer.join()
    registering = soon(session.register, "com.app.p", ways(BrokenText())[0])
    number = peer.receive()[1]
    peer.send([65, number, 100])
    registering.result()
    for request in (1, 2, 3):
        peer.send([68, request, 100, {}])
        assert peer.receive() == [8, 68, request, {}, RUNTIME, ["BrokenText"]]
    leaving = soon(session.leave)
    assert peer.receive()[0] == 6
    peer.hang_up()
    leaving.result()


def test_an_error_of_no_valid_uri_keeps_its_words_and_is_logged(
    ann: wamplite.Session, bob: wamplite.Session, caplog: pytest.LogCaptureFixture
) -> None:
    @ann.register("com.app.p")
    def refuse() -> None:
        raise wamplite.ApplicationError("my error!", "detail", k=1)

    with pytest.raises(wamplite.ApplicationError) as refused:
        bob.call("com.app.p")
    assert refused.value.error == RUNTIME
    assert refused.value.args == ("'my error!' is not a valid error URI", "detail")
    assert refused.value.kwargs == {"k": 1}
    [record] = [record for record in caplog.records if record.name == "wamplite.client"]
    assert record.levelname == "ERROR" and "my error!: 'detail', k=1" in record.getMessage()


# ---- exceptions that have a URI


class FullComponent(Exception):
    """A plain exception."""


class OfTwo(Exception):
    """Its constructor takes what it does not keep as its args."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(f"{code}: {why}")


class Named(Exception):
    """It has keyword arguments too."""

    def __init__(self, why: str, *, limit: int = 0) -> None:
        super().__init__(why)
        self.kwargs = {"limit": limit}


class OfNone(Exception):
    def __init__(self) -> None:
        super().__init__()


class Raising(Exception):
    __init__ = fail


class NoException(Exception):
    def __new__(cls, *args: Any) -> Any:
        return object()


class Ours(wamplite.ApplicationError):
    """A user's kind of ApplicationError."""


@pytest.mark.parametrize(
    ("kind", "args", "kwargs", "made"),
    [
        (FullComponent, ("no room", 5), {}, ("no room", 5)),
        (FullComponent, ("no room",), {"limit": 5}, ("no room",)),
        (FullComponent, (), {}, ()),
        (OfTwo, (5, "x"), {}, ("5: x",)),
        (OfTwo, ("5: x",), {}, None),
        (OfTwo, (5,), {"why": "x"}, ("5: x",)),
        (Named, ("hot",), {"limit": 5}, ("hot",)),
        (OfNone, ("hot",), {}, None),
        (OfNone, (), {"limit": 5}, ()),
        (Raising, ("hot",), {}, None),
        (NoException, ("hot",), {}, None),
        (Ours, ("hot",), {"limit": 5}, ("hot",)),
    ],
)
def test_a_defined_exception_is_made_of_what_came_and_its_uri_is_never_lost(
    ann: wamplite.Session, bob: wamplite.Session, kind: Any, args: Any, kwargs: Any, made: Any
) -> None:
    bob.define(kind, "com.app.full")

    @ann.register("com.app.p")
    def refuse() -> None:
        raise wamplite.ApplicationError("com.app.full", *args, **kwargs)

    with pytest.raises(Exception) as refused:  # noqa: B017, PT011  # of any kind
        bob.call("com.app.p")
    told = refused.value if made is None else refused.value.__cause__
    assert type(told) is wamplite.ApplicationError
    assert (told.error, told.args, told.kwargs) == ("com.app.full", args, kwargs)
    assert "CALL of com.app.p" in str(told)
    if made is not None:
        assert type(refused.value) is kind and refused.value.args == made


@pytest.mark.parametrize(
    ("error", "args", "kwargs"),
    [
        (FullComponent("no room", 5), ("no room", 5), {}),
        (OfTwo(5, "x"), ("5: x",), {}),
        (Named("hot", limit=5), ("hot",), {"limit": 5}),
    ],
)
def test_a_defined_exception_sends_its_args_and_its_kwargs(
    ann: wamplite.Session, bob: wamplite.Session, error: Exception, args: Any, kwargs: Any
) -> None:
    ann.define(type(error), "com.app.full")
    ann.register("com.app.p", ways(error)[0])
    with pytest.raises(wamplite.ApplicationError) as refused:
        bob.call("com.app.p")
    told = refused.value
    assert (told.error, told.args, told.kwargs) == ("com.app.full", args, kwargs)


def test_a_defined_exception_travels_both_ways(
    ann: wamplite.Session, bob: wamplite.Session
) -> None:
    for session in (ann, bob):
        session.define(Named, "com.app.full")
    ann.register("com.app.p", ways(Named("hot", limit=5))[0])
    with pytest.raises(Named) as refused:
        bob.call("com.app.p")
    assert refused.value.args == ("hot",) and refused.value.kwargs == {"limit": 5}


def test_only_an_exception_class_and_a_uri_stand_for_each_other(ann: wamplite.Session) -> None:
    with pytest.raises(wamplite.UsageError, match="'no uri' is not a valid error URI"):
        ann.define(FullComponent, "no uri")
    for wrong in (FullComponent(), int, "com.app.full"):
        with pytest.raises(wamplite.UsageError, match="expected an exception class"):
            ann.define(wrong, "com.app.full")  # type: ignore[arg-type]


# ---- what the log is told


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, bool]]:
    """Return the client's lines: their level, and whether they have a traceback."""
    records = [record for record in caplog.records if record.name == "wamplite.client"]
    return [(record.levelname, record.exc_info is not None) for record in records]


def test_what_a_caller_did_wrong_or_expects_is_one_line(
    ann: wamplite.Session, bob: wamplite.Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "wamplite.client")
    ann.define(FullComponent, "com.app.full")
    ann.register("com.app.p", ways(FullComponent("no room"))[0])
    for arguments in ((), (1, 2)):
        with pytest.raises(wamplite.ApplicationError):
            bob.call("com.app.p", *arguments)
    assert lines(caplog) == [("INFO", False), ("WARNING", False)]


def test_an_event_that_does_not_fit_its_handler_is_one_line(
    ann: wamplite.Session, bob: wamplite.Session, caplog: pytest.LogCaptureFixture
) -> None:
    got = []
    ann.subscribe("com.app.t", lambda value: got.append(value))
    bob.publish("com.app.t", 1, 2)
    bob.publish("com.app.t", 5, options={"acknowledge": True})
    until(lambda: got == [5])
    assert lines(caplog) == [("ERROR", False)]
    assert "takes 1 positional argument but 2 were given" in caplog.text


def test_an_error_that_an_event_handler_met_is_told_at_length(
    ann: wamplite.Session, bob: wamplite.Session, caplog: pytest.LogCaptureFixture
) -> None:
    ann.subscribe("com.app.t", lambda: ann.call("com.app.nowhere"))
    bob.publish("com.app.t", options={"acknowledge": True})
    until(lambda: lines(caplog) == [("ERROR", True)])


def test_a_handler_that_always_fails_does_not_fill_the_log(
    ann: wamplite.Session, bob: wamplite.Session, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []

    def on_event(value: int) -> None:
        seen.append(value)
        raise (KeyError if value == 150 else ValueError)(value)

    ann.subscribe("com.app.t", on_event)
    for value in range(300):
        bob.publish("com.app.t", value)
    bob.publish("com.app.t", 300, options={"acknowledge": True})
    until(lambda: len(seen) == 301)
    ann.leave()
    told = lines(caplog)
    assert told.count(("ERROR", True)) == 2  # each kind of fault once
    assert told.count(("ERROR", False)) == 9
    assert "(140 lines like these were left out)" in caplog.text
    assert "150 lines about exceptions of handlers were left out" in caplog.text
