"""Files of Crossbar, nexus and nxt, and what becomes of them."""

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.test_configured import configured, run
from wamplite import Router, connect
from wamplite.auth import Scram, Ticket, Users, WampCra, methods
from wamplite.configuration import files, users_file
from wamplite.configuration.foreign.importing import imported
from wamplite.core.errors import UsageError

KEY = "1adfc8bfe1d35616e64dffbd900096f23b066f914c8c2ffbb66f6075b96e116d"
DERIVED = "kQjmN43OnKui4LgoWayDmOtXz3ormJk/XpUx6+QDwOk="  # of s3cret and salt123
EVERYTHING = {"call": True, "register": True, "publish": True, "subscribe": True}
CROSSBAR: dict[str, Any] = {
    "version": 2,
    "controller": {"id": "node1"},
    "workers": [
        {
            "type": "router",
            "options": {"pythonpath": [".."]},
            "realms": [
                {
                    "name": "plant",
                    "roles": [
                        {"name": "anonymous", "permissions": [
                            {"uri": "plant.public.", "match": "prefix",
                             "allow": {"call": True, "subscribe": True},
                             "disclose": {"caller": True, "publisher": False}, "cache": True}]},
                        {"name": "worker", "permissions": [
                            {"uri": "*", "allow": EVERYTHING},
                            {"uri": "plant..x", "match": "exact", "allow": EVERYTHING}]},
                    ],
                    "store": {"type": "memory", "event-history": [
                        {"uri": "plant.log", "match": "exact", "limit": 7}]},
                }
            ],
            "transports": [
                {
                    "type": "web",
                    "endpoint": {"type": "tcp", "port": 8080, "interface": "127.0.0.1"},
                    "paths": {
                        "/": {"type": "static", "directory": "web"},
                        "ws": {
                            "type": "websocket",
                            "options": {"max_message_size": 65536, "allowed_origins": ["*"],
                                        "auto_ping_interval": 10000, "fail_by_drop": True},
                            "auth": {
                                "anonymous": {"type": "static", "role": "anonymous"},
                                "ticket": {"type": "static", "principals": {
                                    "joe": {"ticket": "s3cret", "role": "worker"}}},
                                "wampcra": {"type": "static", "users": {
                                    "old": {"secret": DERIVED,
                                            "role": "worker", "salt": "salt123",
                                            "iterations": 1000, "keylen": 32}}},
                                "cryptosign": {"type": "static", "principals": {
                                    "key": {"role": "worker", "authorized_keys": [KEY]},
                                    "bad": {"role": "worker", "authorized_keys": ["xy"]}}},
                                "cookie": {},
                                "oauth2": {},
                            },
                            "cookie": {"max_age": 3600, "name": "cbtid", "length": 24,
                                       "store": {"type": "file", "filename": "cookies.dat"}},
                        },
                    },
                },
                {"type": "rawsocket", "endpoint": {"type": "tcp", "port": 8081},
                 "options": {"max_message_size": 1048576}},
                {"type": "rawsocket", "endpoint": {"type": "unix", "path": "/tmp/wamp.sock"},
                 "auth": {"ticket": {"type": "dynamic", "authenticator": "plant.who"}}},
                {"type": "mqtt", "endpoint": {"type": "tcp", "port": 1883}},
            ],
            "components": [{"type": "class", "classname": "app.App", "realm": "plant"}],
        },
        {"type": "guest", "executable": "python"},
    ],
}  # fmt: skip


def taken(
    folder: Path, data: Any, name: str = "config.json"
) -> tuple[files.Configuration, list[str]]:
    """Import a file, and read what it became."""
    source, made = folder / name, folder / "wamplite.toml"
    source.write_text(json.dumps(data))
    draft = imported(str(source))
    made.write_text(draft.text(str(source)))
    if draft.listed:
        with users_file.edit(folder / "users.toml") as users:
            users[:] = draft.listed
    return files.read(str(made)), draft.lost


def test_a_file_of_crossbar_becomes_ours_and_the_rest_is_named(tmp_path: Path) -> None:
    found, lost = taken(tmp_path, CROSSBAR)
    assert found.router.limits == {"max_message_size": 1 << 20, "ping_interval": 10.0}
    assert found.router.cookie_max_age == 3600
    assert [(each.url, each.auth) for each in found.listeners] == [
        ("tcp://127.0.0.1:8080", ("anonymous", "ticket", "wampcra", "cryptosign", "cookie")),
        ("rs://127.0.0.1:8081", ("anonymous",)),
        ("unix:///tmp/wamp.sock", ("ticket",)),
    ]
    (realm,) = found.realms
    assert (realm.name, realm.anonymous, realm.authenticator) == ("plant", "anonymous", "plant.who")
    public, worker = realm.roles
    assert public.permissions[0].allow == ("call", "subscribe")
    assert public.permissions[0].disclose_caller == "always"
    assert [(each.uri, each.match) for each in worker.permissions] == [("", "prefix")]
    assert [(each.uri, each.max_events) for each in realm.history] == [("plant.log", 7)]
    text = "\n".join(lost)
    for what in (
        "port 8081: anonymous sessions from the network",
        "a worker of type guest",
        "app.App",
        "a transport of type mqtt",
        "no web pages are served",
        "auth.oauth2: no such method",
        "cookie.store: cookies are kept in memory",
        "principals.bad: a public key is",
        "fail_by_drop = True",
        "workers[0].options = {...}",
        "by 1000 iterations alone",
        "permissions[1]: 'plant..x' is not a URI",
    ):
        assert what in text, (what, text)
    assert "# " in (tmp_path / "wamplite.toml").read_text().splitlines()[1]


def test_users_of_crossbar_log_in_with_what_they_have(tmp_path: Path) -> None:
    taken(tmp_path, CROSSBAR)
    users = Users(users_file.read(tmp_path / "users.toml", "plant"))
    with Router(["plant"], authmethods=methods(users)) as router:
        url = router.listen("rs://127.0.0.1:0")
        for auth in (Ticket("joe", "s3cret"), Scram("joe", "s3cret"), WampCra("old", "s3cret")):
            with connect(url, realm="plant", auth=auth) as session:
                assert session.authrole == "worker"


def test_what_becomes_of_a_file_is_what_a_router_does(tmp_path: Path) -> None:
    data = copy.deepcopy(CROSSBAR)
    transports = data["workers"][0]["transports"]
    transports[0]["endpoint"]["port"] = 0
    del transports[1:]
    source = tmp_path / "config.json"
    source.write_text(json.dumps(data))
    made = tmp_path / "wamplite.toml"
    done = run("config", "import", str(source), "-o", str(made))
    assert done.returncode == 0 and "no counterpart: " in done.stderr
    assert "3 users" in done.stdout
    with (
        configured(made) as router,
        connect(router.rs, realm="plant", auth=Ticket("joe", "s3cret")) as session,
    ):
        assert session.call("wamp.session.count") == 1
    again = run("config", "import", str(source), "-o", str(made))
    assert again.returncode == 2 and "is there already" in again.stderr


@pytest.mark.parametrize(
    ("auth", "told"),
    [
        ({"scram": {"type": "static", "principals": {"a": {
            "role": "worker", "kdf": "pbkdf2", "iterations": 4096, "salt": "00" * 16,
            "stored-key": "11" * 32, "server-key": "22" * 32}}}}, ("scram", "wamp-scram")),
        ({"tls": {"type": "static", "principals": {"a": {
            "role": "worker", "certificate-sha256": ":".join(["ab"] * 32)}}}}, ("tls",)),
        ({"wampcra": {"type": "function", "create": "x"},
          "ticket": {"type": "static", "principals": {"a": {"role": "worker", "ticket": "t"}}}},
         ("ticket",)),
    ],
)  # fmt: skip
def test_each_method_of_crossbar_that_is_ours(
    tmp_path: Path, auth: Any, told: tuple[str, ...]
) -> None:
    data = copy.deepcopy(CROSSBAR)
    worker = data["workers"][0]
    worker["transports"] = [
        {"type": "websocket", "endpoint": {"type": "tcp", "port": 8080}, "auth": auth,
         "url": "ws://pi:8080/door"}
    ]  # fmt: skip
    found, _ = taken(tmp_path, data)
    (listener,) = found.listeners
    assert (listener.url, listener.auth) == ("ws://0.0.0.0:8080/door", told)
    assert [user.authid for user in users_file.read(tmp_path / "users.toml", "plant")] == ["a"]


def test_a_file_of_nexus_becomes_ours(tmp_path: Path) -> None:
    data = {
        "websocket": {"address": ":8080", "keep_alive": 30, "allow_origins": ["*"],
                      "enable_compression": True},
        "rawsocket": {"tcp_address": "127.0.0.1:8081", "max_msg_len": 65536,
                      "unix_address": "/tmp/n.sock", "tcp_keepalive_interval": 180},
        "log_path": "/var/log/n",
        "router": {"realms": [
            {"uri": "r1", "anonymous_auth": True, "allow_disclose": True, "meta_strict": True,
             "event_history": [{"topic": "a.b", "match": "prefix", "limit": 5}]}]},
    }  # fmt: skip
    found, lost = taken(tmp_path, data)
    assert found.router.limits == {"ping_interval": 30.0, "max_message_size": 65536}
    assert [each.url for each in found.listeners] == [
        "ws://127.0.0.1:8080/ws", "rs://127.0.0.1:8081", "unix:///tmp/n.sock"
    ]  # fmt: skip
    assert found.listeners[0].compress and found.listeners[0].allowed_origins == ("*",)
    (realm,) = found.realms
    assert realm.anonymous == "anonymous" and realm.history[0].max_events == 5
    assert "log_path = '/var/log/n'" in lost and any("meta_strict" in each for each in lost)


def test_a_file_of_nxt_becomes_ours(tmp_path: Path) -> None:
    users = {"realm": "r1", "role": "any"}
    data = {
        "version": "1",
        "config": {"loglevel": "debug"},
        "realms": [{"name": "r1", "roles": [{"name": "any", "permissions": [
            {"uri": "", "match": "prefix", "allow_call": True, "allow_publish": False}]}]}],
        "transports": [
            {"type": "websocket", "listener": "tcp", "address": "localhost:8080"},
            {"type": "rawsocket", "listener": "unix", "address": "/tmp/x.sock",
             "ratelimit": {"rate": 5}},
        ],
        "authenticators": {
            "anonymous": [{"authid": "x", **users}, {"authid": "y", "realm": "r2", "role": "a"}],
            "ticket": [{"authid": "joe", "ticket": "t", **users}],
            "cryptosign": [{"authid": "joe", "authorized_keys": [KEY], **users}],
        },
    }  # fmt: skip
    found, lost = taken(tmp_path, data)
    (realm,) = found.realms
    assert (realm.anonymous, realm.roles[0].permissions[0].allow) == ("any", ("call",))
    assert [each.url for each in found.listeners] == [
        "ws://localhost:8080/ws", "unix:///tmp/x.sock"
    ]  # fmt: skip
    (joe,) = users_file.read(tmp_path / "users.toml", "r1")
    assert joe.scram and joe.pubkeys == {KEY}
    text = "\n".join(lost)
    assert "there is no realm r2" in text and "ratelimit" in text and "config = " in text


@pytest.mark.parametrize(
    ("text", "told"), [("[1]", "neither of Crossbar"), ("{", "Expecting"), ("{}", "neither of")]
)
def test_what_is_no_such_file_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=told):
        imported(str(path))


def test_yaml_needs_a_package_and_says_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    path = tmp_path / "config.yaml"
    path.write_text("version: '1'\n")
    with pytest.raises(UsageError, match="needs the package PyYAML"):
        imported(str(path))
