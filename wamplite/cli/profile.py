"""The router that `wamplite pair --accept` has made known: where client verbs connect by default.

A file for its owner alone, profile.toml, with url, realm, authid, fingerprint and key; and the key
beside it. It counts where no URL is given, and who one is by it where nothing else is said of that.
"""

from __future__ import annotations

import argparse
import os
from typing import NamedTuple

URL, REALM = "ws://127.0.0.1:8080/ws", "realm1"
WHO = ("authid", "secret", "ticket", "key", "cert")


class Profile(NamedTuple):
    """A router, and who one is there."""

    url: str
    realm: str
    authid: str
    fingerprint: str
    key: str  # the path of a file


def config_home() -> str | None:
    """Return the directory of the user's settings; None where there is no home."""
    if given := os.environ.get("XDG_CONFIG_HOME"):
        return given
    found = os.path.expanduser("~/.config")
    return None if found.startswith("~") else found  # the user is not in the password database


def path() -> str | None:
    """Return where the profile is, or would be."""
    if given := os.environ.get("WAMPLITE_PROFILE"):
        return given
    home = config_home()
    return None if home is None else os.path.join(home, "wamplite", "profile.toml")


def complete(options: argparse.Namespace) -> None:
    """Put what the profile says, or else the defaults, where the options say nothing."""
    place = path()
    if options.url is None and place is not None and os.path.exists(place):
        found = read(place)
        options.url = found.url
        options.realm = options.realm or found.realm
        if options.ca is None and options.fingerprint is None:
            options.fingerprint = found.fingerprint
        if not any(getattr(options, name) for name in WHO):
            options.authid, options.key = found.authid, found.key
    options.url = options.url or URL
    options.realm = options.realm or REALM


def read(place: str) -> Profile:
    """Return the profile of a file; UsageError where it is none."""
    from ..config import load
    from ..schema import Text
    from ..tables import Table
    from ..whole_file import check_private

    check_private(place, "profile")
    document = load(place)
    table = Table({name: Text() for name in Profile._fields}, Profile, required=Profile._fields)
    found = table.read(document.data, document.root())
    document.finish()
    profile: Profile = found._replace(key=os.path.join(os.path.dirname(place), found.key))
    return profile


def as_toml(profile: Profile) -> str:
    """Return the text of a file."""
    from ..config import in_toml

    told = profile._asdict()
    lines = [f"{name} = {in_toml(text)}\n" for name, text in told.items()]
    return "# Written by `wamplite pair --accept`.\n" + "".join(lines)
