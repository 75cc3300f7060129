"""What a session can do beyond its verbs: each in a module of its own, loaded on its first use.

A module has a function of the name whose first argument is the session. Nothing in `session` knows
of them: a line here is all that another one takes.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .meta import Meta
    from .reflection import Reflection

# name -> module. Of a property the attribute is what its function returns.
PROPERTIES = {"meta": "meta", "reflection": "reflection"}
METHODS = {"flush_testaments": "testaments", "testament": "testaments"}


class Extended:
    """Something with the attributes and methods of these modules."""

    if TYPE_CHECKING:
        meta: Meta
        reflection: Reflection

    def __getattr__(self, name: str) -> Any:
        home = PROPERTIES.get(name) or METHODS.get(name)
        if home is None:
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        function = getattr(import_module(f".{home}", __package__), name)
        return function(self) if name in PROPERTIES else partial(function, self)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *PROPERTIES, *METHODS})
