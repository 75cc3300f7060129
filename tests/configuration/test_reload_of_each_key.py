"""Every key of the file: a reload changes it under the sessions that are there, or says what must.

The keys are those of the schema: a new one has no case in `reloaded`, and fails here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.configuration.examples import joe, write_users
from wamplite.auth import User
from wamplite.configuration import reference

from .reloaded import listener_keys, realm_keys, router_keys
from .reloaded.house import Case, House

CASES: dict[str, dict[str, Case]] = {
    "router": router_keys.CASES,
    "listener": listener_keys.CASES,
    "realm": realm_keys.REALM,
    "realm.role": realm_keys.ROLE,
    "realm.role.permission": realm_keys.PERMISSION,
    "realm.retain": realm_keys.RETAIN,
    "realm.history": realm_keys.HISTORY,
}
OF_THE_PROGRAM = {"router": {"pid_file"}}  # tests/cli/test_reload.py
KEYS = [
    (".".join(place.path), name)
    for place in reference.places()
    for name in reference.plain(place.table)
    if name not in OF_THE_PROGRAM.get(".".join(place.path), ())
]


@pytest.mark.sampled
@pytest.mark.parametrize(("table", "key"), KEYS)
def test_a_reload_changes(table: str, key: str, tmp_path: Path) -> None:
    assert key in CASES[table], f"a case for {table}.{key} in tests/configuration/reloaded"
    case = CASES[table][key]
    listener_keys.furnish(tmp_path)
    carol = User.of_certificates("carol", "guest", "cn:localhost")
    write_users(tmp_path / "users.toml", joe(role="guest"), carol)
    write_users(tmp_path / "others.toml", joe(authid="bob", role="guest"))
    with House(tmp_path, **case.before) as house:
        assert case.probe(house) == case.was
        told = house.reload(**case.after)
        assert case.told in " ".join(told) and told != ["nothing has changed"]
        assert bool(case.told) == any("restart" in line for line in told), told
        assert case.probe(house) == case.becomes
        assert house.reload(**case.after) == ([case.told] if case.told else ["nothing has changed"])


def test_there_is_no_case_too_many() -> None:
    there = {(table, key) for table, cases in CASES.items() for key in cases}
    assert there == set(KEYS)
