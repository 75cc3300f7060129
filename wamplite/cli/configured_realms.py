"""What the options of `wamplite router` say of the realms of a file: they go before it.

They are about the realms that --realm names, or about the one that the file has.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ..configuration.settings import HistorySettings, KeptSettings, RealmSettings, RetainSettings
from ..core.errors import UsageError
from ..core.matching import of_text
from ..file_errors import doing

Kept = TypeVar("Kept", bound=KeptSettings)
OPTIONS = ("feature", "history", "keep", "strict")


def with_options(
    realms: Sequence[RealmSettings], options: argparse.Namespace, path: str
) -> tuple[RealmSettings, ...]:
    """Return the realms of a file as the options change them; UsageError where it is not clear."""
    names = [realm.name for realm in realms]
    for name in options.realm or ():
        if name not in names:
            raise UsageError(f"--realm: {path} has no realm {name!r}; it has: {', '.join(names)}")
    given = [name for name in OPTIONS if getattr(options, name)]
    chosen = options.realm or names
    if given and len(names) > 1 and not options.realm:
        several = ", ".join(names)
        raise UsageError(f"--{given[0]}: of which realm? --realm says which of {several}")
    if given and options.keep:
        make_keep(Path(options.keep))
    return tuple(
        _changed(realm, options) if given and realm.name in chosen else realm for realm in realms
    )


def make_keep(folder: Path) -> None:
    """Make the folder of --keep, unless it is there."""
    with doing("keep events in", folder):
        folder.mkdir(parents=True, exist_ok=True)


def _changed(realm: RealmSettings, options: argparse.Namespace) -> RealmSettings:
    history, keep = options.history or (), options.keep and Path(options.keep).resolve()
    rules = [_rule(topic, keep, number) for number, topic in enumerate(history)]
    retain = [RetainSettings(uri="", match="prefix", store=_store(keep, "retained"))]
    return replace(
        realm,
        features=tuple(options.feature) if options.feature else realm.features,
        strict=options.strict or realm.strict,
        history=(*rules, *_others(realm.history, rules)),
        retain=(*retain, *_others(realm.retain, retain)) if keep else realm.retain,
    )


def _rule(topic: str, keep: Path | None, number: int) -> HistorySettings:
    """Return the rule of --history TOPIC; each has a file of its own."""
    try:
        match, uri = of_text(topic)
    except UsageError as error:
        raise UsageError(f"--history: {error}") from None
    name = f"history-{number + 1}" if number else "history"
    return HistorySettings(uri=uri, match=match, store=_store(keep, name))


def _store(keep: Path | None, name: str) -> str:
    return str(keep / f"{name}-{{realm}}.db") if keep else ""


def _others(several: Sequence[Kept], rules: Sequence[Kept]) -> list[Kept]:
    named = [(rule.match, rule.uri) for rule in rules]
    return [each for each in several if (each.match, each.uri) not in named]
