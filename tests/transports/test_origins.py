"""Which pages may connect: every spelling of an origin, our own pages, and what cannot be meant."""

from __future__ import annotations

import tracemalloc

import pytest

from wamplite.core.errors import UsageError
from wamplite.transports import origins

OWN = [
    ("http://localhost", "localhost:80"),
    ("http://localhost:80", "localhost"),
    ("https://localhost", "localhost:443"),
    ("https://localhost:443", "localhost"),
    ("ws://127.0.0.1:8080", "127.0.0.1:8080"),
    ("wss://127.0.0.1", "127.0.0.1:443"),
    ("WS://LocalHost:8080", "localhost:8080"),
    ("ws://[::1]:8080", "[::1]:8080"),
]
FOREIGN = [
    ("http://localhost:443", "localhost"),
    ("https://localhost:80", "localhost"),
    ("ws://evil.example", "evil.example"),  # DNS rebinding
    ("wss://evil.example:443", "evil.example"),
    ("ftp://localhost", "localhost"),
    ("http://user@localhost", "localhost"),
    ("http://localhost/path", "localhost"),
    ("http://localhost:*", "localhost:*"),
    ("null", "localhost"),
    ("", "localhost"),
    ("http://[::1", "[::1"),
    ("http://localhost, http://localhost", "localhost"),
]


@pytest.mark.parametrize(("origin", "host"), OWN)
def test_a_page_that_we_might_have_served_may_connect(origin: str, host: str) -> None:
    assert origins.may_connect(origin, host, frozenset(), frozenset())


@pytest.mark.parametrize(("origin", "host"), FOREIGN)
def test_any_other_page_may_not(origin: str, host: str) -> None:
    assert not origins.may_connect(origin, host, frozenset(), frozenset())


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        ("*", "https://any.example"),
        ("*", "null"),
        ("null", "null"),
        ("file://", "file://"),
        ("http://127.0.0.1:*", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:*", "http://127.0.0.1"),
        ("http://app.example:80/", "http://app.example"),
        ("https://app.example", "https://APP.example:443"),
        ("ws://127.0.0.1:9", "ws://127.0.0.1:9"),
        ("chrome-extension://abc", "chrome-extension://abc"),
    ],
)
def test_what_is_allowed_has_its_meaning(allowed: str, origin: str) -> None:
    assert origins.may_connect(origin, "h.example", origins.allowed([allowed]), frozenset())


@pytest.mark.parametrize(
    ("allowed", "origin"),
    [
        ("http://127.0.0.1:*", "https://127.0.0.1:8000"),
        ("http://127.0.0.1:*", "http://127.0.0.10:8000"),
        ("http://app.example", "http://app.example:8080"),
        ("http://app.example", "https://app.example"),
        ("null", "http://null"),
    ],
)
def test_what_is_allowed_has_no_other_meaning(allowed: str, origin: str) -> None:
    assert not origins.may_connect(origin, "h.example", origins.allowed([allowed]), frozenset())


def test_a_page_that_comes_again_is_judged_by_what_holds_then(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page, here = ("http://pi.example", "pi.example"), frozenset({"pi.example"})
    for _ in range(2):
        assert not origins.may_connect(*page, frozenset(), frozenset())
        assert origins.may_connect(*page, frozenset(), here)
        assert origins.may_connect(*page, frozenset({"http://pi.example"}), frozenset())
        assert not origins.may_connect("http://other.example", page[1], frozenset(), here)
        assert not origins.may_connect(page[0], "other.example", frozenset(), here)
    monkeypatch.setattr(origins.socket, "gethostname", lambda: "Pi.Example")
    assert origins.may_connect(*page, frozenset(), frozenset())


def test_nothing_long_is_remembered_of_pages() -> None:
    tracemalloc.start()
    for number in range(100):
        host = f"{number}.example." + "x" * 20_000
        assert not origins.may_connect(f"http://{host}", host, frozenset(), frozenset())
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 500_000


@pytest.mark.parametrize(
    "text",
    [
        "example.com", "localhost:8000", "http://", "", "http://*.example.com", "http://a/page",
        "http://a b", "**", "http://a:99999999", "*:80",
    ],
)  # fmt: skip
def test_what_no_page_could_be_is_refused_at_once(text: str) -> None:
    with pytest.raises(UsageError, match="an origin is scheme://host"):
        origins.allowed([text])


@pytest.mark.parametrize(
    ("origin", "host", "option"),
    [
        ("http://127.0.0.1:8000", "127.0.0.1:80", "--allow-origin http://127.0.0.1:8000"),
        ("null", "localhost", "--allow-origin null"),
        ("http://pi.example:8080", "pi.example:8080", "--allow-host pi.example"),
    ],
)
def test_advice_names_the_option_that_would_have_allowed_it(
    origin: str, host: str, option: str
) -> None:
    text = origins.advice(origin, host)
    assert text.startswith(f"pages of {origin!r} may not connect to {host!r}")
    words = option.split()
    assert option in text
    kind = "origins" if words[0] == "--allow-origin" else "hosts"
    assert f"allowed_{kind}=['{words[1]}']" in text
    allowed = origins.allowed([words[1]] if kind == "origins" else [])
    hosts = frozenset([words[1]] if kind == "hosts" else [])
    assert origins.may_connect(origin, host, allowed, hosts)


def test_advice_about_nonsense_is_short_and_advises_nothing() -> None:
    text = origins.advice("\x1b[31m" + "x" * 5000, "h" * 5000)
    assert text.isprintable() and len(text) < 300 and "--allow" not in text
