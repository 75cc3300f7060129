"""Users' handlers: what each wants to be given, and what its exceptions say to the caller.

A handler gets plain arguments. One with a parameter annotated `Event` or `Invocation`, or named
`details`, gets that object too; where it is the only parameter, it gets nothing else.
What a procedure raises: an ApplicationError goes out as it is, a defined exception with its `args`,
and with `kwargs` where it has a dict of that name; arguments that the procedure does not take are
wamp.error.invalid_argument, all else is wamp.error.runtime_error; tracebacks stay here.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from types import AsyncGeneratorType, CoroutineType, GeneratorType, MappingProxyType
from typing import Any, NamedTuple

from ..core import uris
from ..core.errors import ApplicationError, UsageError
from ..core.words import shorten
from .faults import class_name, said
from .results import Event, Invocation, Result

Handler = Callable[..., Any]
Object = Event | Invocation
NOTHING: Mapping[str, Any] = MappingProxyType({})
_VAR_ARGS, _VAR_KEYWORDS = 0x04, 0x08  # code.co_flags: it has *args, **kwargs
_KINDS: dict[int, tuple[str, type]] = {  # ... it is, and returns
    0x20: ("a generator function", GeneratorType),
    0x80: ("a coroutine function", CoroutineType),
    0x100: ("a coroutine function", CoroutineType),  # as `types.coroutine` makes it
    0x200: ("an asynchronous generator function", AsyncGeneratorType),
}


class Plan(NamedTuple):
    """How to call a handler."""

    handler: Handler
    parameter: str | None  # which one gets the object
    alone: bool  # it gets nothing else

    def run(self, given: Object) -> Any:
        """Call the handler with what the object holds."""
        if self.parameter is None:
            return self.handler(*given.args, **given.kwargs)
        if self.alone:
            return self.handler(**{self.parameter: given})
        return self.handler(*given.args, **{**given.kwargs, self.parameter: given})


def plan(handler: Handler, kind: type[Object], answers: Container[type] = ()) -> Plan:
    """Find out what a handler wants to be given (`inspect` would, at ten times the import).

    answers: types of returned values that a feature knows the meaning of.
    """
    if not callable(handler):
        raise UsageError(f"a handler must be callable, not {handler!r}")
    function, taken = _function(handler)
    code = getattr(function, "__code__", None)
    if code is None:  # built in: it gets plain arguments
        return Plan(handler, None, False)
    for flag, (what, returned) in _KINDS.items():
        if returned in answers or (returned is GeneratorType and kind is Invocation):
            continue
        if code.co_flags & flag:
            raise UsageError(
                f"a handler must be a plain function, not {what}: {shown(handler)};"
                " run a coroutine by asyncio.run in it"
            )
    annotations = getattr(function, "__annotations__", {})
    every = code.co_varnames[taken : code.co_argcount + code.co_kwonlyargcount]
    by_name = every[max(0, code.co_posonlyargcount - taken) :]
    if not every and code.co_flags & _VAR_KEYWORDS:  # a decorator's wrapper
        by_name = tuple(annotations)
    chosen = _chosen(by_name, annotations, kind)
    alone = every == (chosen,) and not code.co_flags & _VAR_ARGS
    return Plan(handler, chosen, alone)


def _function(handler: Any) -> tuple[Any, int]:
    """Return the function below a method, partial or object, and how many arguments it has."""
    if hasattr(handler, "func") and hasattr(handler, "keywords"):  # functools.partial
        function, taken = _function(handler.func)
        return function, taken + len(handler.args)
    if hasattr(handler, "__func__"):
        return handler.__func__, 1
    if hasattr(handler, "__code__"):
        return handler, 0
    if isinstance(handler, type):
        return getattr(handler, "__init__", None), 1
    return type(handler).__call__, 1


def _chosen(names: tuple[str, ...], annotations: dict[str, Any], kind: type[Object]) -> str | None:
    for name in names:
        if _means(annotations.get(name), kind):
            return name
    return "details" if "details" in names else None


def _means(annotation: Any, kind: type[Object]) -> bool:
    if isinstance(annotation, str):
        return annotation.strip("\"' ").rpartition(".")[2] == kind.__name__
    return annotation is kind


# ---- what goes back to the caller


class Defined:
    """What `Session.define` has defined."""

    def __init__(self) -> None:
        self.uris: dict[type[BaseException], str] = {}  # for what handlers raise
        self._classes: dict[str, type[BaseException]] = {}

    def add(self, exception: type[BaseException], error: str) -> None:
        """Let a class and a URI stand for each other; UsageError where they are none."""
        if not (isinstance(exception, type) and issubclass(exception, BaseException)):
            raise UsageError(f"expected an exception class for {error!r}, not {exception!r}")
        if not uris.is_valid(error):
            raise UsageError(f"{error!r} is not a valid error URI")
        self.uris[exception] = error
        self._classes[error] = exception

    def named(self, error: ApplicationError, request: str) -> BaseException:
        """Return what an ERROR that answers `request` stands for, with the ERROR as its cause."""
        error.request = request
        defined = self._classes.get(error.error)
        made = _made(error, defined) if defined is not None else None
        if made is None:
            return error
        made.__cause__ = error
        return made


def _made(error: ApplicationError, defined: type[BaseException]) -> BaseException | None:
    """Make the user's exception of an ERROR; None where its class takes nothing of what came."""
    own = (error.error,) if issubclass(defined, ApplicationError) else ()
    for kwargs in (error.kwargs, {}):
        try:
            made = defined(*own, *error.args, **kwargs)
        except Exception:
            continue
        if isinstance(made, BaseException):
            return made
    return None


class Refusal(NamedTuple):
    """An ERROR that answers an invocation."""

    error: str
    args: list[Any]
    kwargs: dict[str, Any]
    details: Mapping[str, Any] = NOTHING  # of an ApplicationError: perhaps how it is packed


def result_of(value: Any) -> tuple[list[Any], dict[str, Any]]:
    """Return args and kwargs for what a procedure has returned; None is no result."""
    if isinstance(value, CoroutineType):
        value.close()  # it will not run, which Python would warn of
        raise UsageError("a coroutine was returned: run it by asyncio.run in the handler")
    if isinstance(value, Result):
        args: Any = value.args or []  # of any type: users may set them
        kwargs: Any = value.kwargs or {}
        if not isinstance(args, (list, tuple)) or not isinstance(kwargs, dict):
            kinds = f"{type(args).__name__} and {type(kwargs).__name__}"
            raise UsageError(f"a Result must have a list and a dict, not {kinds}")
        return list(args), kwargs
    return ([] if value is None else [value]), {}


def refusal_of(error: BaseException, defined: dict[type[BaseException], str]) -> Refusal:
    """Return the ERROR for what a procedure has raised; `defined` gives users' classes a URI.

    Its URI is a valid one. Of an exception whose own methods raise, it gives the class only.
    """
    try:
        return _refusal(error, defined)
    except BaseException:
        return Refusal(uris.RUNTIME_ERROR, [class_name(error)], {})


def _refusal(error: BaseException, defined: dict[type[BaseException], str]) -> Refusal:
    if isinstance(error, ApplicationError):
        args, kwargs = list(error.args), dict(error.kwargs or {})
        if isinstance(error.error, str) and uris.is_valid(error.error):
            return Refusal(error.error, args, kwargs, error.details)
        text = shorten(f"{error.error!r} is not a valid error URI")
        return Refusal(uris.RUNTIME_ERROR, [text, *args], kwargs)
    uri = next((defined[kind] for kind in type(error).__mro__ if kind in defined), None)
    if uri is not None:
        named = getattr(error, "kwargs", None)
        return Refusal(uri, list(error.args), dict(named) if isinstance(named, dict) else {})
    if takes_no_such_arguments(error):
        return Refusal(uris.INVALID_ARGUMENT, [str(error)], {})
    return Refusal(uris.RUNTIME_ERROR, [said(error)], {})


def takes_no_such_arguments(error: BaseException) -> bool:
    """Tell whether the call itself failed: the traceback ends here, before the handler."""
    if not isinstance(error, TypeError):
        return False
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback is not None and traceback.tb_frame.f_globals.get("__name__") == __name__


def shown(handler: Handler) -> str:
    """Name a handler in logs."""
    try:
        return str(getattr(handler, "__qualname__", None) or repr(handler))
    except Exception:
        return f"a handler of {type(handler).__qualname__}"
