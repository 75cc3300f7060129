"""What is doubtful of a user who is added, by the file of the router that is found: places.find."""

from __future__ import annotations

import os

from . import files, places


def of_user(users: str, realm: str, role: str | None) -> list[str]:
    """Return why somebody in a file of users could not join, by the router's file.

    role: None where the user is there already. Nothing where no file of a router is found, or it
    has no realms.
    """
    path = places.find(None)
    if path is None or not (known := {each.name: each for each in files.realms(path)}):
        return []
    found = known.get(realm)
    if found is None:
        return [f"{path} has no realm {realm!r}; it has: {', '.join(known)}"]
    doubts = []
    if os.path.realpath(found.users) != os.path.realpath(users):
        read = found.users or "no file of users"
        doubts.append(f"realm {realm} of {path} has {read}, not {users}")
    roles = [each.name for each in found.roles]
    if role is not None and role not in roles and not found.authorizer:
        there = ", ".join(roles) or "none"
        doubts.append(f"realm {realm} of {path} has no role {role!r}; it has: {there}")
    return doubts
