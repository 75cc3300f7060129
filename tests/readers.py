"""Who reads for the routers of a test that does not say it: see the limit `readers`.

READERS=shared tools/test runs all tests so, READERS=threads the other way.
"""

from __future__ import annotations

import os

from wamplite.router.limits import Limits, check

GIVEN = os.environ.get("READERS", "")


def use(kind: str) -> str:
    """Let this be the default, in this process and in those it starts; returns what was it."""
    check("readers", kind)
    before: str = Limits._field_defaults["readers"]
    Limits._field_defaults["readers"] = kind
    *others, _ = Limits.__new__.__defaults__ or ()
    Limits.__new__.__defaults__ = (*others, kind)
    os.environ["WAMPLITE_READERS"] = kind
    if kind == "auto":
        del os.environ["WAMPLITE_READERS"]
    return before


if GIVEN:
    use(GIVEN)
