"""The file of a router, as it is read: what it says, and all that is wrong with it at once."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.configuration.examples import EXAMPLE, furnish, write_users
from wamplite.bridge.configuration import tables as bridge
from wamplite.configuration import files, places
from wamplite.configuration.limits import ABOUT, OTHERS
from wamplite.core.errors import UsageError
from wamplite.router.limits import Limits

OPEN = '[[realm]]\nname = "home"\nanonymous = "guest"\n[[realm.role]]\nname = "guest"\n'


def complaints(folder: Path, text: str, name: str = "wamplite.toml") -> list[str]:
    path = folder / name
    path.write_text(text)
    with pytest.raises(UsageError) as refused:
        files.read(str(path))
    return [line.removeprefix(f"{folder}/") for line in str(refused.value).splitlines()]


def test_the_example_is_read_as_it_is_shown(tmp_path: Path) -> None:
    path = furnish(tmp_path)
    found = files.read(str(path))
    assert found.router.limits == {"max_message_size": 1 << 20}
    near, far = found.listeners
    assert (near.auth, far.auth) == (None, ("scram", "cryptosign"))
    assert (far.cert, far.key) == (str(tmp_path / "router.pem"), str(tmp_path / "router.key"))
    (realm,) = found.realms
    assert (realm.name, realm.features, realm.anonymous) == ("home", ("standard",), "guest")
    assert [role.name for role in realm.roles] == ["sensor", "guest"]
    assert realm.roles[0].permissions[0].allow == ("publish", "call")
    (retain,) = realm.retain
    assert (retain.max_age, retain.store) == (7 * 86400, str(tmp_path / "retained.db"))
    assert str(realm.roles[1].permissions[0].at) == f"{path}:23"
    assert found.warnings == ()


def test_the_same_tree_as_json_is_the_same(tmp_path: Path) -> None:
    path = furnish(tmp_path)
    from wamplite.config import load

    other = tmp_path / "wamplite.json"
    other.write_text(json.dumps(load(path).data, indent=1))
    assert files.read(str(other)).realms == files.read(str(path)).realms
    assert complaints(tmp_path, '{"realm": [\n{"name": "a",\n"anonymus": "b"}]}', "a.json") == [
        'a.json:3: realm "a": anonymus: unknown key; did you mean "anonymous"?'
    ]
    assert complaints(tmp_path, "[]", "a.json") == ["a.json: expected an object, {...}"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[router]\nmax_conections = 3\n", '2: router: max_conections: unknown key; did you mean'
                                            ' "max_connections"?'),
        ("[rooter]\n", '1: rooter: unknown key; did you mean "router"?'),
        ("[sesion]\n", '1: sesion: unknown key; did you mean "session"?'),
        ('[router]\nping_interval = "2 parsecs"\n', "2: router: ping_interval: expected a time"),
        ("[router]\nmax_decoding = 0\n", "2: router: max_decoding: must be at least 1, not 0"),
        ('[router]\nmax_message_size = "17 MiB"\n', "2: router: max_message_size: expected a size"),
        ('[[listener]]\nurl = "http://a"\n', "2: listener 1: url: cannot listen on 'http://a'"),
        ('[[listener]]\nurl = "tls://127.0.0.1:0"\n', "2: listener 1: url: tls:// promises TLS"),
        ('[[listener]]\nurl = "rs://127.0.0.1:1"\ncert = "none"\n', "3: listener 1: cert: "),
        ('[[listener]]\nurl = "rs://127.0.0.1:1"\n' * 2, "4: listener 2: url: there is a listener"),
        ('[[listener]]\nurl = "rs://127.0.0.1:1"\nauth = ["scrm"]\n', "3: listener 1: auth: "),
        (OPEN + '[[listener]]\nurl = "ws://127.0.0.1:1"\nmetrics = "lab"\n',
         "8: listener 1: metrics: there is no realm lab"),
        ('[[realm]]\nname = "a"\n', '1: realm "a": nobody could join: it needs users'),
        ('[[realm]]\nname = "a"\nanonymous = "b"\n', "3: realm \"a\": anonymous: there is no"),
        (OPEN + '[[realm.role]]\nname = "guest"\n', '7: realm "home": role "guest": name: '),
        (OPEN + OPEN, '7: realm "home": name: there is a realm home already, in '),
        (OPEN.replace("\n", '\nfeatures = ["al"]\n', 1), '2: realm "home": features: there is no'),
        (OPEN.replace("\n", '\nusers = "none"\n', 1), '2: realm "home": users: users file '),
        (OPEN + '[[realm.role.permission]]\nuri = "a..b"\n', "7: realm \"home\": role \"guest\":"
                                                              " permission 1: uri: 'a..b' is not"),
        (OPEN + '[[realm.role.permission]]\nuri = "a"\n' * 2, '8: realm "home": role "guest":'
                                                            " permission 2: a second one for "),
        (OPEN + '[[realm.retain]]\nuri = "a."\n', '7: realm "home": retain 1: uri: expected a URI'),
        (OPEN + '[[realm.history]]\nuri = "a"\nstore = "s"\n' * 2, "11: realm \"home\": history 2:"
                                                                    " store: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(tmp_path: Path, text: str, line: str) -> None:
    told = complaints(tmp_path, text)
    assert any(each.startswith(f"wamplite.toml:{line}") for each in told), told


def test_all_that_is_wrong_is_told_at_once_in_order_and_in_linear_time(tmp_path: Path) -> None:
    seconds = []
    for number in (500, 2000):
        lines = [f"unknown_key_number_{each} = 1\n" for each in range(number)]
        begun = time.process_time()
        told = complaints(tmp_path, "[router]\n" + "".join(lines))
        seconds.append(time.process_time() - begun)
        assert [int(each.split(":")[1]) for each in told] == list(range(2, number + 2))
    few, many = seconds
    assert many < 9 * few, seconds  # four times as many lines


def test_one_file_may_hold_what_a_bridge_does_and_what_a_router_does(tmp_path: Path) -> None:
    port = '[[port]]\nname = "p"\ndevice = "/dev/ttyUSB0"\n'
    path = tmp_path / "wamplite.toml"
    path.write_text(OPEN + port)
    assert len(files.read(str(path)).realms) == 1
    assert [port.name for port in bridge.from_file(path).ports] == ["p"]
    path.write_text(OPEN + port + "[lisener]\n")
    for read in (lambda: files.read(str(path)), lambda: bridge.from_file(path)):
        with pytest.raises(UsageError, match=':9: lisener: unknown key; did you mean "listener"'):
            read()


def test_files_are_included_in_order_from_where_they_are_named(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "2.toml").write_text('[[listener]]\nurl = "rs://127.0.0.1:2"\n')
    (tmp_path / "conf.d" / "1.toml").write_text(
        '[router]\nlinger = "1 s"\n[[listener]]\nurl = "rs://127.0.0.1:1"\n'
    )
    path = tmp_path / "wamplite.toml"
    path.write_text('include = "conf.d/*.toml"\n' + OPEN)
    found = files.read(str(path))
    assert [listener.url[-1] for listener in found.listeners] == ["1", "2"]
    assert found.router.limits == {"linger": 1.0} and len(found.files) == 3


def test_complaints_name_the_included_file_and_its_line(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('include = ["wamplite.toml"]\n[router]\nlinger = 1\nx = 2\n')
    (tmp_path / "b.toml").write_text("[router\n")
    told = complaints(tmp_path, 'include = ["?.toml", "c.toml"]\n[router]\nlinger = 2\n')
    assert told[0].startswith("b.toml: ")
    assert told[1:] == [
        "wamplite.toml:1: include: there is no file c.toml",
        f"a.toml:1: include: {tmp_path}/wamplite.toml is read twice: {tmp_path}/wamplite.toml is"
        " the same file",
        "a.toml:4: router: x: unknown key; there are: "
        + ", ".join(sorted([*Limits._fields, *OTHERS])),
    ]


def test_a_limit_is_said_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("[router]\nlinger = 1\n")
    told = complaints(tmp_path, 'include = "a.toml"\n[router]\nlinger = 2\n')
    assert told == [f"a.toml:2: router: linger: it is said in {tmp_path}/wamplite.toml:3 already"]


def test_users_of_a_role_that_there_is_not_are_warned_of(tmp_path: Path) -> None:
    path = furnish(tmp_path, EXAMPLE.replace('name = "sensor"', 'name = "sensors"'))
    (warning,) = files.read(str(path)).warnings
    assert "'joe' cannot join realm home: it has no role 'sensor'" in warning
    write_users(tmp_path / "users.toml")
    (warning,) = files.read(str(path)).warnings
    assert "has no user of realm home" in warning


def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = furnish(tmp_path)
    (tmp_path / "router.key").chmod(0o644)
    with pytest.raises(UsageError, match="listener 2: key: private key .* others may read it"):
        files.read(str(path))


def test_a_file_may_be_what_systemd_hands_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = furnish(tmp_path, EXAMPLE.replace('"router.key"', '"credential:router.key"'))
    with pytest.raises(UsageError, match="CREDENTIALS_DIRECTORY is not set"):
        files.read(str(path))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    assert files.read(str(path)).listeners[1].key == str(tmp_path / "router.key")


def test_the_file_is_found_by_option_environment_and_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WAMPLITE_CONFIG", raising=False)
    assert places.find(None) is None
    (tmp_path / "wamplite.toml").touch()
    assert places.find(None) == "wamplite.toml"
    monkeypatch.setenv("WAMPLITE_CONFIG", "/there")
    assert (places.find(None), places.find("/here")) == ("/there", "/here")


def test_every_limit_has_its_line() -> None:
    assert set(ABOUT) == set(Limits._fields)
