"""What the keys of one table must be to each other; further ones between tables are in whole.py."""

from __future__ import annotations

from typing import Any

from ..config import Location
from ..core import uris
from ..core.errors import UsageError


def permission(settings: Any, at: Location) -> None:
    """Note what is no permission."""
    try:
        settings.made()
    except UsageError as error:
        (at / "uri").wrong(str(error))


def role(settings: Any, at: Location) -> None:
    """Note a permission that stands twice."""
    seen = set()
    for number, each in enumerate(settings.permissions):
        if (each.match, each.uri) in seen:
            (at / "permission" / number).wrong(f"a second one for {each.match} {each.uri!r}")
        seen.add((each.match, each.uri))


def pattern(settings: Any, at: Location) -> None:
    """Note a URI that does not fit its `match`."""
    if not uris.is_valid_for(settings.match, settings.uri):
        wanted = "a URI" if settings.match == "exact" else f"a pattern for {settings.match}"
        (at / "uri").wrong(f"expected {wanted}, not {settings.uri!r}")
