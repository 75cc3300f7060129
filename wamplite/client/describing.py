"""What a Python function tells of itself: its docstring, and JSON Schemas of what it takes.

    {"description": its docstring, "args": {"type": "array", "prefixItems": [...], "minItems": ...},
     "kwargs": {"type": "object", "properties": {...}, "required": [...]}, "result": {...}}

A parameter that may be given either way stands in both. What has no annotation, or one that says
nothing about values of WAMP, is {}: anything.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from .results import Event, Invocation

PLAIN = {
    type(None): "null",
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    tuple: "array",
    dict: "object",
}
POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
Schema = dict[str, Any]


def describe(function: Callable[..., Any]) -> Schema:
    """Describe a function as `wamp.reflect.define` takes it; some of C have a docstring alone."""
    told: Schema = {}
    if text := inspect.getdoc(function):
        told["description"] = text
    hints = _hints(function)
    try:
        signature = inspect.signature(function)
    except ValueError:
        return told
    parameters = [
        parameter
        for parameter in signature.parameters.values()
        if hints.get(parameter.name) not in (Event, Invocation) and parameter.name != "details"
    ]
    kinds = {parameter.kind for parameter in parameters}
    told["args"] = _args([p for p in parameters if p.kind in POSITIONAL], hints)
    if inspect.Parameter.VAR_POSITIONAL not in kinds:
        told["args"]["maxItems"] = len(told["args"]["prefixItems"])
    told["kwargs"] = _kwargs([p for p in parameters if p.kind in NAMED], hints)
    if inspect.Parameter.VAR_KEYWORD not in kinds:
        told["kwargs"]["additionalProperties"] = False
    if "return" in hints:
        told["result"] = schema(hints["return"])
    return told


def _args(parameters: list[inspect.Parameter], hints: Mapping[str, Any]) -> Schema:
    needed = sum(parameter.default is parameter.empty for parameter in parameters)
    items = [{"title": p.name, **_of(p, hints)} for p in parameters]
    return {"type": "array", "prefixItems": items, "minItems": needed}


def _kwargs(parameters: list[inspect.Parameter], hints: Mapping[str, Any]) -> Schema:
    needed = [p.name for p in parameters if p.default is p.empty and p.kind is p.KEYWORD_ONLY]
    properties = {parameter.name: _of(parameter, hints) for parameter in parameters}
    return {"type": "object", "properties": properties, "required": needed}


def _of(parameter: inspect.Parameter, hints: Mapping[str, Any]) -> Schema:
    told = schema(hints.get(parameter.name, Any))
    default = parameter.default
    if default is None or type(default) in (bool, int, float, str):
        told["default"] = default
    return told


def schema(hint: Any) -> Schema:
    """Return a JSON Schema of what an annotation allows."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return {"anyOf": [schema(each) for each in arguments]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if hint is bytes:
        return {"type": "string", "contentEncoding": "base64"}  # as JSON has it in WAMP
    if hint is None:
        return {"type": "null"}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [member.value for member in hint]}
    if is_dataclass(hint):
        return _dataclass(hint)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {"type": "object", "additionalProperties": schema(arguments[-1])}
    if isinstance(origin, type) and issubclass(origin, Sequence):
        return _array(origin, arguments)
    return {"type": PLAIN[hint]} if isinstance(hint, type) and hint in PLAIN else {}


def _array(origin: type, arguments: tuple[Any, ...]) -> Schema:
    if origin is tuple and arguments[-1] is not ...:
        items = [schema(each) for each in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items)}
    return {"type": "array", "items": schema(arguments[0])}


def _dataclass(hint: Any) -> Schema:
    hints = _hints(hint)
    members = fields(hint)
    needed = [f.name for f in members if f.default is MISSING and f.default_factory is MISSING]
    properties = {member.name: schema(hints.get(member.name, Any)) for member in members}
    return {"type": "object", "properties": properties, "required": needed}


def _hints(what: Any) -> dict[str, Any]:
    """Return annotations; those that name what there is not are none."""
    what = inspect.unwrap(what)
    try:
        return get_type_hints(getattr(what, "__func__", what))
    except (NameError, TypeError, AttributeError):
        return {}
