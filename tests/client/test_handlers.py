from __future__ import annotations

import functools
import types
from typing import Any

import pytest

import wamplite
from wamplite.client.handlers import Refusal, plan, refusal_of, result_of, shown
from wamplite.client.results import Event, Invocation, Result
from wamplite.core.errors import ApplicationError, UsageError

EVENT = Event("com.app.t", [1, 2], {"k": 3}, {}, 7, 8)
CALLED = Invocation("com.app.p", [1, 2], {"k": 3}, {}, 7, 8)


def plain(a: int, b: int, k: int = 0) -> Any:
    return [a, b, k]


def everything(*args: Any, **kwargs: Any) -> Any:
    return [args, kwargs]


def alone(event: Event) -> Any:
    return event


def alone_by_keyword(*, event: Event) -> Any:
    return event


def alone_by_name(details: Any) -> Any:
    return details


def beside(a: int, b: int, event: Event, k: int = 0) -> Any:
    return [a, b, k, event]


def beside_by_keyword(a: int, b: int, *, k: int, event: wamplite.Event) -> Any:  # type: ignore[name-defined]  # noqa: F821
    return [a, b, k, event]


def beside_all(*args: Any, event: Event, **kwargs: Any) -> Any:
    return [*args, *kwargs.values(), event]


def optional(a: int, b: int, k: int, /, event: Event | None = None) -> Any:
    return "no"


class Handlers:
    def method(self, event: Event) -> Any:
        return event

    def both(self, a: int, b: int, k: int, details: Any) -> Any:
        return [a, b, k, details]

    @classmethod
    def of_class(cls, event: Event) -> Any:
        return event

    @staticmethod
    def of_none(event: Event) -> Any:
        return event

    def __call__(self, event: Event) -> Any:
        return event


class Made:
    def __init__(self, a: int, b: int, k: int) -> None:
        self.made = [a, b, k]


def decorated(function: Any) -> Any:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@decorated
def wrapped(a: int, b: int, k: int, event: Event) -> Any:
    return [a, b, k, event]


@pytest.mark.parametrize(
    ("handler", "result"),
    [
        (plain, [1, 2, 3]),
        (everything, [(1, 2), {"k": 3}]),
        (lambda *args, **kwargs: args, (1, 2)),
        (dict, None),
        (alone, EVENT),
        (alone_by_keyword, EVENT),
        (alone_by_name, EVENT),
        (beside, [1, 2, 3, EVENT]),
        (beside_by_keyword, [1, 2, 3, EVENT]),
        (beside_all, [1, 2, 3, EVENT]),
        (wrapped, [1, 2, 3, EVENT]),
        (Handlers().method, EVENT),
        (Handlers().both, [1, 2, 3, EVENT]),
        (Handlers.of_class, EVENT),
        (Handlers.of_none, EVENT),
        (Handlers(), EVENT),
        (functools.partial(plain, k=5), None),
        (functools.partial(Handlers().method), EVENT),
        (functools.partial(lambda first, event: [first, event], "first"), None),
        (functools.partial(lambda first, details: [first, details], "first"), ["first", EVENT]),
    ],
)
def test_a_handler_is_given_what_it_asks_for(handler: Any, result: Any) -> None:
    found = plan(handler, Event)
    if result is None:  # it gets plain arguments
        assert found.parameter is None
    else:
        assert found.run(EVENT) == result


def test_a_class_is_a_handler_too() -> None:
    assert plan(Made, Event).run(EVENT).made == [1, 2, 3]


def test_an_annotation_of_the_other_kind_is_a_plain_argument() -> None:
    assert plan(alone, Invocation).parameter is None


def test_what_is_not_callable_is_no_handler() -> None:
    with pytest.raises(UsageError, match="must be callable, not 5"):
        plan(5, Event)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "payload"),
    [
        (None, ([], {})),
        (0, ([0], {})),
        ((1, 2), ([(1, 2)], {})),
        (Result(), ([], {})),
        (Result((1, 2), {"k": 3}), ([1, 2], {"k": 3})),
    ],
)
def test_what_is_returned_becomes_a_payload(value: Any, payload: Any) -> None:
    assert result_of(value) == payload


class Odd(ValueError):
    """A user's exception."""


def raised(handler: Any) -> BaseException:
    try:
        plan(handler, Invocation).run(CALLED)
    except BaseException as error:
        return error
    raise AssertionError("nothing was raised")


def fail(error: BaseException) -> Any:
    def handler(*_: Any, **__: Any) -> None:
        raise error

    return handler


@pytest.mark.parametrize(
    ("handler", "refusal"),
    [
        (fail(ApplicationError("com.app.e", 1, k=2)), ("com.app.e", [1], {"k": 2})),
        (fail(ValueError("bad")), ("wamp.error.runtime_error", ["ValueError: bad"], {})),
        (fail(ValueError()), ("wamp.error.runtime_error", ["ValueError"], {})),
        (fail(TypeError("x")), ("wamp.error.runtime_error", ["TypeError: x"], {})),
        (fail(Odd("bad", 5)), ("com.app.odd", ["bad", 5], {})),
        (fail(KeyboardInterrupt()), ("wamp.error.runtime_error", ["KeyboardInterrupt"], {})),
    ],
)
def test_what_is_raised_becomes_an_error(handler: Any, refusal: Any) -> None:
    assert refusal_of(raised(handler), {Odd: "com.app.odd"}) == Refusal(*refusal)


@pytest.mark.parametrize("handler", [lambda: 1, lambda a, b: 1, lambda a, b, c, *, k: 1, len])
def test_arguments_that_do_not_fit_are_invalid(handler: Any) -> None:
    assert refusal_of(raised(handler), {}).error == "wamp.error.invalid_argument"


def test_a_subclass_of_a_defined_exception_is_defined_too() -> None:
    assert (
        refusal_of(raised(fail(Odd("x"))), {ValueError: "com.app.value"}).error == "com.app.value"
    )


def test_a_handler_has_a_name_in_logs() -> None:
    assert shown(plain) == "plain"
    assert shown(Handlers().method) == "Handlers.method"
    assert shown(functools.partial(plain)).startswith("functools.partial(")


def test_results_show_and_compare() -> None:
    assert repr(Result([1], {"k": 2})) == "Result([1], {'k': 2})"
    assert Result([1]) == Result((1,)) != Result([2])
    assert Result([1]) != [1]
    with pytest.raises(TypeError):
        hash(Result())


class Unspeakable(Exception):
    """An exception of no text."""

    def __repr__(self) -> str:
        raise ValueError

    __str__ = __repr__


def test_a_handler_that_cannot_be_shown_is_named_by_its_class() -> None:
    assert shown(Unspeakable()) == "a handler of Unspeakable"  # type: ignore[arg-type]


async def coroutine() -> None: ...


async def asynchronous_generator() -> Any:
    yield 5


def generator() -> Any:
    yield 5


class Calling:
    async def __call__(self) -> None: ...

    async def method(self) -> None: ...


@pytest.mark.parametrize("kind", [Event, Invocation])
@pytest.mark.parametrize(
    ("handler", "what"),
    [
        (coroutine, "a coroutine function"),
        (functools.partial(coroutine), "a coroutine function"),
        (types.coroutine(generator), "a (generator|coroutine) function"),
        (asynchronous_generator, "an asynchronous generator function"),
        (Calling(), "a coroutine function"),
        (Calling().method, "a coroutine function"),
    ],
)
def test_a_handler_whose_call_would_only_make_something_is_refused(
    handler: Any, what: str, kind: Any
) -> None:
    with pytest.raises(UsageError, match=f"a handler must be a plain function, not {what}: "):
        plan(handler, kind)


def steps() -> Any:
    yield 5


@pytest.mark.parametrize("handler", [steps, functools.partial(functools.partial(steps))])
def test_a_generator_function_may_serve_calls_but_not_events(handler: Any) -> None:
    assert plan(handler, Invocation).handler is handler
    with pytest.raises(UsageError, match="a plain function, not a generator function: "):
        plan(handler, Event)


@pytest.mark.parametrize("verb", ["register", "subscribe"])
def test_it_is_refused_before_anything_is_asked(url: str, verb: str) -> None:
    with wamplite.connect(url) as session, pytest.raises(UsageError, match="coroutine"):
        getattr(session, verb)("com.app.p", coroutine)
    with pytest.raises(UsageError, match="coroutine"):
        getattr(wamplite.Component(url), verb)("com.app.p", coroutine)
