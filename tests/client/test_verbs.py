"""`register` and `subscribe`, as functions and as decorators, and what is said of their misuse."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

import wamplite

VERBS = ["register", "subscribe"]


@pytest.fixture
def session() -> Iterator[wamplite.Session]:
    with wamplite.Router(features="basic") as router, router.connect() as session:
        yield session


@pytest.fixture(params=["session", "component"])
def either(request: Any, session: wamplite.Session) -> Any:
    """Give what has the verbs: a session, and a component."""
    return session if request.param == "session" else wamplite.Component("rs://127.0.0.1:1")


@pytest.mark.parametrize("verb", VERBS)
def test_a_function_may_come_first_or_last_or_be_decorated(either: Any, verb: str) -> None:
    serve = getattr(either, verb)
    assert serve("com.app.a", print) and serve(print, "com.app.b")
    assert serve("com.app.c")(print) is print


@pytest.mark.parametrize("verb", VERBS)
def test_a_decorator_that_decorates_nothing_is_told(
    either: Any, verb: str, caplog: pytest.LogCaptureFixture
) -> None:
    getattr(either, verb)("com.app.x")
    text = f"{verb}('com.app.x') has no handler, and decorates nothing: it has no effect"
    assert caplog.messages == [text]
    caplog.clear()
    getattr(either, verb)("com.app.x")(print)
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("verb", "keyword", "option"),
    [
        ("subscribe", "match", "match"),
        ("subscribe", "concurrent", "concurrent"),
        ("register", "concurrent", "concurrent"),
        ("register", "timeout", "timeout"),
        ("register", "invok", "invoke"),
    ],
)
def test_an_option_as_a_keyword_is_refused_with_its_place(
    either: Any, verb: str, keyword: str, option: str
) -> None:
    text = rf"{verb}\(\) got an unexpected keyword argument '{keyword}'; an option stands in "
    text += rf"options=\{{'{option}': \.\.\.\}}"
    with pytest.raises(TypeError, match=text):
        getattr(either, verb)("com.app.x", print, **{keyword: True})


def test_a_keyword_that_is_nothing_like_an_option_is_refused(either: Any) -> None:
    with pytest.raises(TypeError, match=r"unexpected keyword argument 'zzz'$"):
        either.register("com.app.x", print, zzz=1)


def test_a_call_that_is_refused_tells_that_an_option_went_to_the_procedure(
    session: wamplite.Session,
) -> None:
    session.register("com.app.p", lambda: None)
    with pytest.raises(wamplite.InvalidArgument, match=r"as options they stand in") as raised:
        session.call("com.app.p", timeout=3, unit="C")
    assert "options={'timeout': ...}" in str(raised.value)
    with pytest.raises(wamplite.InvalidArgument) as raised:
        session.call("com.app.p", unit="C")
    assert "options" not in str(raised.value)


def test_a_procedure_may_have_an_argument_called_like_an_option(
    session: wamplite.Session, caplog: pytest.LogCaptureFixture
) -> None:
    session.register("com.app.p", lambda timeout: timeout)
    assert session.call("com.app.p", timeout=3) == 3
    assert caplog.messages == []


def test_what_was_surely_meant_as_an_option_is_told_once(
    session: wamplite.Session, caplog: pytest.LogCaptureFixture
) -> None:
    session.register("com.app.p", lambda **kwargs: kwargs)
    for _ in range(2):
        session.publish("com.app.t", 1, acknowledge=True)
        session.publish("com.app.t", 1, exclude=[1], retain=True)
        session.call("com.app.p", disclose_me=True)
    place = "was sent as an argument; as an option it stands in options"
    assert caplog.messages == [
        f"PUBLISH: acknowledge= {place}={{'acknowledge': ...}}",
        f"CALL: disclose_me= {place}={{'disclose_me': ...}}",
    ]


# ---- a call that waits for itself


@pytest.mark.parametrize("where", ["registration", "session"])
def test_a_self_call_that_times_out_names_its_cause(where: str) -> None:
    concurrent = {} if where == "registration" else {"concurrent": False}
    options = {"concurrent": False} if where == "registration" else None
    texts: list[str] = []
    with wamplite.Router() as router, router.connect(**concurrent) as session:

        def again(deeper: bool) -> None:
            if deeper:
                try:
                    session.call("com.app.again", False, options={"timeout": 0.05})
                except wamplite.CallTimeout as error:
                    texts.append(str(error))

        session.register("com.app.again", again, options=options)
        session.register("com.app.slow", lambda: wait.acquire(timeout=10))
        wait = threading.Semaphore(0)
        session.call("com.app.again", True)
        assert len(texts) == 1
        assert "it waits for the handler that makes it: calls are served one by one" in texts[0]
        with pytest.raises(wamplite.CallTimeout) as raised:
            session.call("com.app.slow", options={"timeout": 0.05})
        assert "one by one" not in str(raised.value)
        wait.release()


# ---- what an editor completes


@pytest.mark.parametrize("kind", [wamplite.Session, wamplite.Component, wamplite.Router])
def test_what_is_internal_is_not_completed(kind: Any, session: wamplite.Session) -> None:
    made = session if kind is wamplite.Session else kind()
    names = {name for name in dir(made) if not name.startswith("_")}
    assert not names & {"again", "told", "what", "disown", "owner", "check_process", "over"}
    assert names & {"call", "listen"}
    if kind is wamplite.Router:
        made.close()
