"""Whatever is typed or arrives, whatever the locale: words and an exit code, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.processes import ROOT, RouterProcess, running, running_router, wamplite

BAD = b"t.\xff"
HUGE = "9" * 5000
DEEP = "[" * 5000
C_LOCALE = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    with running_router("--feature", "pattern_based_subscription") as process:
        yield process


def run(
    router: RouterProcess, *words: str | bytes, **more: Any
) -> subprocess.CompletedProcess[bytes]:
    environment = os.environ | {"WAMPLITE_URL": router.rs, "WAMPLITE_TIMEOUT": "0.5"}
    environment |= more.pop("env", {})
    return subprocess.run(
        [*wamplite(), *words], cwd=ROOT, env=environment, timeout=30,
        **{"capture_output": True, "stdin": subprocess.DEVNULL} | more,
    )  # fmt: skip


def assert_in_words(done: subprocess.CompletedProcess[bytes]) -> None:
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    assert b"Exception ignored" not in done.stderr, done.stderr.decode()
    assert done.returncode in (0, 1, 2, 3, 4), done
    assert done.stderr or done.returncode == 0


VERBS = ("pub", "sub", "call", "register", "router", "serial", "bridge", "ports", "micro")
VERBS += ("service", "version", "testament", "history", "retained", "sessions", "subs", "regs")
VERBS += ("kill", "help", "")
WORDS: tuple[tuple[str | bytes, ...], ...] = (
    ("",),
    (BAD,),
    ("t", BAD),
    ("--", BAD),
    (HUGE,),
    ("t", DEEP),
    ("t", "-k", HUGE),
    ("-",),
    ("--x", BAD),
)
NOWHERE = ("--listen", "unix:///no/where")


@pytest.mark.long
@pytest.mark.parametrize("verb", VERBS)
def test_no_verb_answers_odd_words_with_a_traceback(router: RouterProcess, verb: str) -> None:
    for words in WORDS:
        assert_in_words(run(router, verb, *(NOWHERE if verb == "router" else ()), *words))


CONNECTION: tuple[tuple[str | bytes, ...], ...] = (
    ("--url", b"rs://\xff:1"),
    ("--url", "ws://[::1"),
    ("--url", "rs://a..b:1"),
    ("--url", f"rs://{'a' * 70}.de:1"),
    ("--url", b"unix:///\xff"),
    ("--url", "unix:///tmp"),
    ("--url", "serial:///dev/null?baud=x"),
    ("--url", b"ws://\xff:\xff@127.0.0.1:1/ws"),
    ("--url", b"ws://127.0.0.1:1/\xff"),
    ("--url", "ws://127.0.0.1:1/ws", "--header", b"X: \xff"),
    ("--url", "ws://127.0.0.1:1/ws", "--header", "X"),
    ("--url", "ws://127.0.0.1:1/ws", "--header", b"\xff\n: 1"),
    ("--url", "ws://127.0.0.1:1/ws", "--proxy", "http://[::1"),
    ("--url", "ws://127.0.0.1:1/ws", "--proxy", b"http://\xff:1"),
    ("--url", "ws://127.0.0.1:1/ws", "--proxy", b"http://\xff@127.0.0.1:1"),
    ("--realm", BAD),
    ("--realm", ""),
    ("--authid", BAD),
    ("--timeout", HUGE),
    ("--ca", "/", "--url", "rss://127.0.0.1:1"),
    ("--ca", BAD, "--url", "wss://127.0.0.1:1"),
)


@pytest.mark.sampled
@pytest.mark.parametrize("words", CONNECTION, ids=str)
def test_odd_connections_are_told_in_words(
    router: RouterProcess, words: tuple[str | bytes, ...]
) -> None:
    assert_in_words(run(router, "pub", "t", *words))


@pytest.mark.sampled
@pytest.mark.parametrize(
    "header", [b"X: \xff", "X: °", "X: \U0001f600", b"\xff: 1", "X:", ":"], ids=str
)
def test_odd_headers_are_told_in_words(router: RouterProcess, header: str | bytes) -> None:
    assert_in_words(run(router, "pub", "t", "--header", header, env={"WAMPLITE_URL": router.ws}))


ODD: dict[str, tuple[str | bytes, ...]] = {
    "a kwarg named options": ("pub", "t", "-k", "options=1"),
    "a kwarg named topic": ("pub", "t", "-k", "topic=1"),
    "a lone surrogate": ("pub", "t", '"\\ud800"'),
    "a lone surrogate's key": ("call", "p", '{"\\ud800": 1}'),
    "text that begins with NUL": ("pub", "t", '"\\u0000a"'),
    "an integer beyond 64 bits": ("pub", "t", "99999999999999999999"),
    "a number beyond floats": ("pub", "t", "1e999"),
    "a realm that is no URI": ("pub", "t", "--realm", "a b"),
    "format: half typed": ("sub", "t", "-F", "{"),
    "format: too wide": ("sub", "t", "-F", "{0:99999999999}", "-W", "0.2"),
    "format: nested": ("sub", "t", "-F", "{0:{0:{0:{0}}}}"),
    "count beyond 64 bits": ("sub", "t", "-C", HUGE),
    "match": ("sub", "t", "--match", BAD),
    "listen: number": ("router", "--listen", "8080"),
    "listen: port": ("router", "--listen", "tcp://127.0.0.1:99999"),
    "listen: bracket": ("router", "--listen", "tcp://[::1"),
    "listen: dots": ("router", "--listen", "tcp://a..b:1", "--allow-anonymous-network"),
    "listen: bytes": ("router", "--listen", b"tcp://\xff:1", "--allow-anonymous-network"),
    "listen: unix bytes": ("router", "--listen", b"unix:///no/\xff"),
    "listen: a long path": ("router", "--listen", f"unix:///tmp/{'a' * 200}"),
    "listen: twice": ("router", *("--listen", "unix:///no/where") * 2),
    "listen: serial": ("router", "--listen", b"serial:///\xff?baud=1"),
    "realm: bytes": ("router", "--realm", BAD, *NOWHERE),
    "feature: bytes": ("router", "--feature", BAD, *NOWHERE),
    "feature: path": ("router", "--feature", "../cli", *NOWHERE),
    "ping interval: nan": ("router", "--ping-interval", "nan", *NOWHERE),
    "ping interval: negative": ("router", "--ping-interval", "-1", *NOWHERE),
    "ping interval: inf": ("router", "--ping-interval", "inf", *NOWHERE),
    "message size": ("router", "--max-message-size", HUGE, *NOWHERE),
    "message size: great": ("router", "--max-message-size", "9" * 18, *NOWHERE),
    "connections": ("router", "--max-connections", "9" * 18, *NOWHERE),
    "cert alone": ("router", "--listen", "tls://127.0.0.1:0", "--cert", "/etc/hostname"),
    "cert is a folder": ("router", "--listen", "tls://127.0.0.1:0", "--cert", "/", "--key", "/"),
    "cert: bytes": ("router", "--listen", "tls://127.0.0.1:0", "--cert", BAD, "--key", BAD),
    "no cert": ("router", "--listen", "tls://127.0.0.1:0"),
    "origin: bytes": ("router", "--allow-origin", BAD, *NOWHERE),
    "bridge: folder": ("bridge", "/"),
    "bridge: binary": ("bridge", "/bin/sh"),
    "bridge: no file": ("bridge", "--check", b"/no/\xff.toml"),
    "bridge: device": ("bridge", "/dev/null"),
    "bridge: replay": ("bridge", "--replay", b"/no/\xff", "examples/bridge/p1.toml"),
    "bridge: replay a folder": ("bridge", "--replay", "/", "examples/bridge/p1.toml"),
    "bridge: watch bytes": ("bridge", "--watch", "examples/bridge/p1.toml", BAD),
    "bridge: watch nothing": ("bridge", "--watch", "/"),
    "bridge: figures": ("bridge", "--figures", "nan", "x"),
    "serial: topic": ("serial", "/dev/null", "--publish", BAD),
    "serial: baud": ("serial", "/dev/null", "--publish", "t", "--baud", HUGE),
    "service: config": ("service", "show", "bridge", "--config", b"/etc/\xff.toml"),
    "service: rest": ("service", "show", "router", "--", b"\xff"),
    "service: account": ("service", "show", "--account", b"\xff"),
    "service: directory": ("service", "install", "--directory", "/dev/null/x"),
    "service: a newline": ("service", "show", "--account", "pi\nExecStart=/bin/sh"),
    "register: no such command": ("register", b"p.\xff", "--", b"\xff"),
}


@pytest.mark.sampled
@pytest.mark.parametrize("words", ODD.values(), ids=ODD)
def test_what_cannot_be_meant_is_told_in_words(
    router: RouterProcess, words: tuple[str | bytes, ...]
) -> None:
    assert_in_words(run(router, *words))


@pytest.mark.sampled
@pytest.mark.parametrize(
    "names",
    [
        {"WAMPLITE_TIMEOUT": "abc"},
        {"WAMPLITE_TIMEOUT": "-1"},
        {"WAMPLITE_SERIALIZER": "xml"},
        {"WAMPLITE_URL": ""},
        {"WAMPLITE_REALM": "a b"},
        {"WAMPLITE_REALM": "\udcff"},
        {"WAMPLITE_AUTHID": "\udcff"},
        {"WAMPLITE_CA": "/", "WAMPLITE_URL": "wss://127.0.0.1:1"},
        {"NOTIFY_SOCKET": "/\udcff", "WATCHDOG_USEC": "x"},
    ],
    ids=str,
)
def test_the_environment_may_hold_anything(router: RouterProcess, names: dict[str, str]) -> None:
    assert_in_words(run(router, "pub", "t", env=names))


def test_a_users_unit_needs_a_home_or_says_so() -> None:
    program = "import os, sys; from wamplite import cli; cli.main(['service', 'show'])\n"
    program += "import pwd; os.getuid() or os.setuid(54321)\n"
    program += "sys.exit(cli.main(['service', 'show', '--user']))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env={}, capture_output=True, timeout=30
    )
    assert_in_words(done)
    if os.getuid() == 0:  # who is known to the machine has a home there
        assert (done.returncode, b"home" in done.stderr) == (2, True)


# ---- numbers


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("-1", -1),
        ("-1.5", -1.5),
        ("-.5", "-.5"),
        ("-1.5e3", -1500.0),
        ("-1e-3", -0.001),
        ("-1E+2", -100.0),
        ("-0", 0),
        ("-12abc", "-12abc"),
        ("1e999", "1e999"),
    ],
)
def test_numbers_are_arguments_with_every_sign_and_exponent(
    router: RouterProcess, word: str, value: Any
) -> None:
    assert published(router, word) == [value]


def published(router: RouterProcess, *words: str | bytes, **more: Any) -> list[Any]:
    """Return the args of an event as a subscriber prints them."""
    command = wamplite("sub", "com.example.n", "-v", "-C", "1", "--url", router.rs)
    with running(*command) as sub:
        await_subscribed(sub)
        done = run(router, "pub", "com.example.n", *words, **more)
        assert done.returncode == 0, done.stderr
        args: list[Any] = json.loads(sub.line())["args"]
        return args


def await_subscribed(program: Any) -> None:
    try:
        program.await_stderr("subscribed ")
    except AssertionError:
        state = program.states() if program.process.poll() is None else program.process.returncode
        raise AssertionError(f"not subscribed; {state}; stderr: {program.stderr()!r}") from None


def test_a_word_that_begins_with_a_dash_is_told_how_to_be_typed(router: RouterProcess) -> None:
    done = run(router, "pub", "t", "-Infinity")
    assert done.returncode == 2 and b"put -- before arguments that begin with -" in done.stderr
    done = run(router, "register", "t", "date")
    assert done.returncode == 2 and b"put -- before the command" in done.stderr


# ---- locales


@pytest.mark.sampled
@pytest.mark.parametrize("word", ["°C", "\U0001f600"])
@pytest.mark.parametrize("locale", [{}, C_LOCALE, {"LC_ALL": "C"}], ids=str)
def test_text_is_the_same_in_every_locale(
    router: RouterProcess, word: str, locale: dict[str, str]
) -> None:
    assert published(router, word, "-k", f"{word}=1", env=locale) == [word]


def test_a_word_that_is_not_utf8_goes_out_as_bytes(router: RouterProcess) -> None:
    assert published(router, b"\xff\xfe") == ["\0//4="]


@pytest.mark.sampled
@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "utf-8"])
@pytest.mark.parametrize("form", [[], ["-F", "{0}"]], ids=["json", "format"])
def test_an_emoji_ends_no_subscriber(
    router: RouterProcess, encoding: str, form: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    topic = ["com.example.emoji", *form]
    with running(*wamplite("sub", *topic, "-v", "-C", "2", "--url", router.rs)) as sub:
        await_subscribed(sub)
        for text in ("\U0001f600", "last"):
            assert run(router, "pub", "com.example.emoji", text).returncode == 0
        first, second = sub.lines(2)
        assert sub.wait() == 0
    assert ("\U0001f600" if encoding == "utf-8" else "\\ud83d\\ude00") in first and "last" in second
    assert form or json.loads(first)["args"] == ["\U0001f600"]


def test_a_command_gets_its_words_in_every_locale(
    router: RouterProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in C_LOCALE.items():
        monkeypatch.setenv(name, value)
    command = ["register", "com.example.say", "-v", "--url", router.rs, "--", "printf", "%s°"]
    with running(*wamplite(*command)) as callee:
        callee.await_stderr("registered")
        done = run(router, "call", "com.example.say", "é", "-W", "10")
    assert (done.returncode, done.stdout) == (0, b'"\\u00e9\\u00b0"\n')


# ---- streams


@pytest.mark.long
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("verb", ["version", "--help", "call", "pub", "nonsense"])
def test_closed_streams_are_borne(router: RouterProcess, verb: str, closed: str) -> None:
    words = [verb] + (["com.example.nobody"] if verb in ("call", "pub") else [])
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", *wamplite(*words)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, timeout=30, stdin=subprocess.DEVNULL,
        env=os.environ | {"WAMPLITE_URL": router.rs},
    )  # fmt: skip
    expected = {"version": 0, "--help": 0, "call": 1, "pub": 0, "nonsense": 2}[verb]
    assert done.returncode == expected
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr


def test_the_log_of_a_router_without_stderr_reaches_no_connection(tmp_path: Path) -> None:
    path = tmp_path / "sock"
    words = ["router", "--listen", f"unix://{path}", "--log-level", "debug"]
    with running("sh", "-c", 'exec "$@" <&- 2>&-', "sh", *wamplite(*words)) as router:
        assert router.lines(2) == [f"listening unix://{path}", "ready"]
        done = run_at(f"unix://{path}", "call", "com.example.nobody")
        assert (done.returncode, b"no_such_procedure" in done.stderr) == (1, True)
        assert router.stop() == 0


def run_at(url: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(wamplite(*words, "--url", url), cwd=ROOT, capture_output=True, timeout=30)


@pytest.mark.parametrize("verb", ["version", "--help", "micro"])
def test_a_full_disk_is_told(verb: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            wamplite(verb), cwd=ROOT, stdout=full, stderr=subprocess.PIPE, timeout=30
        )
    assert b"Traceback" not in done.stderr and b"Exception ignored" not in done.stderr
    if verb != "--help":
        assert (done.returncode, done.stderr) == (
            1,
            b"wamplite: No space left on device\n",
        )


def test_a_reader_that_is_gone_is_no_trouble() -> None:
    for verb in ("--help", "micro", "version"):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = subprocess.run(
                wamplite(verb), cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, timeout=30
            )
        finally:
            os.close(writer)
        assert (done.returncode, done.stderr) == (0, b"")


def test_what_a_peer_says_cannot_command_the_terminal(router: RouterProcess) -> None:
    program = "echo 'red \033[31m' >&2; exit 1"
    command = ["register", "com.example.red", "-v", "--url", router.rs, "--", "sh", "-c", program]
    with running(*wamplite(*command)) as callee:
        callee.await_stderr("registered")
        done = run(router, "call", "com.example.red", "-W", "10")
        assert b"\x1b" not in done.stderr and b"red " in done.stderr
        assert "\x1b" not in callee.stderr()
