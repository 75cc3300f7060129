"""cookie: who has logged in by a WebSocket comes back by its cookie, and nobody else does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import pytest
import websocket

from tests.auth.dialogues import DENIED, PASSWORD, QUICK
from tests.transports.streams import PATIENCE, Certificate
from tests.waiting import Hesitant
from wamplite import Router, UsageError
from wamplite.auth import Cookies, User, Users, methods
from wamplite.auth import cookie as cookie_module
from wamplite.core.handshake import AuthMethod
from wamplite.core.members import Identity

ROLES = {"caller": {}}
JOE = User.of_password("joe", "sensor", PASSWORD, iterations=QUICK)
ANN = User.of_password("ann", "admin", PASSWORD, iterations=QUICK)
SEEN = Identity("joe", "sensor", "seen", "static")


class Browser:
    """What keeps the cookie that it was given, as a browser does."""

    def __init__(self, url: str, **options: Any) -> None:
        self.url, self.options = url, options
        self.cookie = ""
        self.set = ""  # the last Set-Cookie

    def join(
        self, *wishes: str, authid: str | None = None, ticket: str = PASSWORD, realm: str = "realm1"
    ) -> list[Any]:
        """Log in by one of these methods, over a WebSocket of its own; return the last answer."""
        wire = websocket.create_connection(
            self.url, PATIENCE, subprotocols=["wamp.2.json"], cookie=self.cookie or None,
            **self.options,
        )  # fmt: skip
        with closing(wire):
            self.set = wire.getheaders().get("set-cookie", "")
            self.cookie = self.set.partition(";")[0] or self.cookie
            details = {"roles": ROLES, "authmethods": list(wishes), "authid": authid}
            wire.send(json.dumps([1, realm, details]))
            answer: list[Any] = json.loads(wire.recv())
            if answer[0] == 4:
                wire.send(json.dumps([5, ticket, {}]))
                answer = json.loads(wire.recv())
            return answer


def who(answer: list[Any]) -> tuple[str, str, str]:
    assert answer[0] == 2, answer
    return answer[2]["authid"], answer[2]["authrole"], answer[2]["authmethod"]


@contextmanager
def serving(cookies: Cookies, users: Users | None = None) -> Iterator[tuple[Router, str]]:
    users = users or Users([JOE, ANN])
    ways = methods(users, ["ticket"], anonymous="guest", cookies=cookies)
    with Router(["realm1", "realm2"], authmethods=ways, cookies=cookies, login_delay=0) as router:
        yield router, router.listen("ws://127.0.0.1:0/ws")


def kept(cookies: Cookies) -> int:
    """Return how many are remembered."""
    return len(cookies._known)


def test_whom_a_method_knows_without_asking_is_remembered_too() -> None:
    cookies = Cookies(max_age=60)
    users = Users([JOE, ANN])
    ways: dict[str, AuthMethod] = {
        "seen": cookies.remembering("seen", lambda hello, joining: SEEN, users),
        "unseen": cookies.remembering("unseen", lambda hello, joining: None, users),
        "cookie": cookies.method(users),
    }
    with Router(authmethods=ways, cookies=cookies) as router:
        browser = Browser(router.listen("ws://127.0.0.1:0/ws"))
        assert who(browser.join("unseen", "seen")) == ("joe", "sensor", "seen")
        assert who(browser.join("cookie", authid="joe")) == ("joe", "sensor", "cookie")
        assert browser.join("cookie", authid="ann")[2] == DENIED


def test_who_has_said_who_it_is_comes_back_by_its_cookie() -> None:
    cookies = Cookies(max_age=60)
    with serving(cookies) as (_, url):
        browser = Browser(url)
        assert who(browser.join("cookie", "ticket", authid="joe")) == ("joe", "sensor", "ticket")
        rules = "; Path=/; Max-Age=60; HttpOnly; SameSite=Strict"
        assert browser.set.startswith("wamplite=") and browser.set.endswith(rules)
        assert browser.cookie.partition("=")[2].encode() not in repr(vars(cookies)).encode()
        for authid in (None, "joe"):
            back = browser.join("cookie", "ticket", authid=authid)
            assert who(back) == ("joe", "sensor", "cookie") and browser.set == ""
        denied = browser.join("cookie", "ticket", authid="ann")
        assert denied[0] == 3 and denied[2] == DENIED
        browser.cookie = f"a=b; {browser.cookie}; c"
        assert who(browser.join("cookie"))[2] == "cookie"


def test_nobody_is_remembered_who_has_proven_nothing() -> None:
    cookies = Cookies()
    with serving(cookies) as (_, url):
        browser = Browser(url)
        assert who(browser.join("anonymous"))[1:] == ("guest", "anonymous")
        assert browser.join("ticket", authid="joe", ticket="wrong")[0] == 3
        answer = browser.join("cookie")
        assert answer[0] == 3 and answer[2] == "wamp.error.no_matching_auth_method"
        assert who(browser.join("cookie", "anonymous"))[2] == "anonymous"
        assert not kept(cookies)


@pytest.mark.parametrize("cookie", ["wamplite=", "wamplite=x", "other=x", ";;;=", "wamplite=é"])
def test_a_cookie_that_nobody_has_is_replaced(cookie: str) -> None:
    with serving(Cookies()) as (_, url):
        browser = Browser(url)
        browser.cookie = cookie
        assert who(browser.join("cookie", "ticket", authid="joe"))[2] == "ticket"
        assert browser.set and browser.cookie != cookie
        assert who(browser.join("cookie"))[0] == "joe"


def test_a_cookie_that_somebody_else_has_planted_stays_his() -> None:
    """Who logs in over it is not what the one that planted it becomes."""
    with serving(Cookies()) as (_, url):
        thief = Browser(url)
        assert who(thief.join("ticket", authid="joe"))[0] == "joe"
        victim = Browser(url)
        victim.cookie = thief.cookie
        assert who(victim.join("ticket", authid="ann"))[0] == "ann"
        assert who(victim.join("ticket", authid="ann", realm="realm2"))[0] == "ann"
        assert who(thief.join("cookie"))[0] == "joe"
        assert thief.join("cookie", realm="realm2")[0] == 3


def test_a_cookie_is_of_one_realm() -> None:
    with serving(Cookies()) as (_, url):
        browser = Browser(url)
        assert who(browser.join("ticket", authid="joe"))[0] == "joe"
        assert browser.join("cookie", realm="realm2")[0] == 3


def test_a_user_that_has_changed_or_gone_says_anew_who_it_is() -> None:
    users = Users([JOE, ANN])
    with serving(Cookies(), users) as (_, url):
        browser = Browser(url)
        assert who(browser.join("ticket", authid="joe"))[0] == "joe"
        users.replace([JOE])
        assert who(browser.join("cookie"))[0] == "joe"
        users.replace([User.of_password("joe", "admin", PASSWORD, iterations=QUICK)])
        assert who(browser.join("cookie", "ticket", authid="joe"))[1:] == ("admin", "ticket")
        users.replace([ANN])
        assert browser.join("cookie")[0] == 3


def test_cookies_are_forgotten_on_request_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    cookies = Cookies(max_age=60)
    with serving(cookies) as (_, url):
        joe, ann = Browser(url), Browser(url)
        joe.join("ticket", authid="joe")
        ann.join("ticket", authid="ann")
        cookies.forget("joe")
        assert joe.join("cookie")[0] == 3 and who(ann.join("cookie"))[0] == "ann"
        cookies.forget()
        assert ann.join("cookie")[0] == 3 and not kept(cookies)
        ann.join("ticket", authid="ann")
        now = cookie_module.time.monotonic() + 61
        monkeypatch.setattr(cookie_module.time, "monotonic", lambda: now)
        assert ann.join("cookie")[0] == 3 and not kept(cookies)


@pytest.mark.usefixtures("hurried")
def test_they_may_be_forgotten_by_several_at_once() -> None:
    cookies = Cookies()
    with serving(cookies) as (_, url):
        for _ in range(3):
            Browser(url).join("ticket", authid="joe")
    cookies._known = Hesitant(cookies._known)
    with ThreadPoolExecutor(4) as pool:
        for forgetting in [pool.submit(cookies.forget) for _ in range(4)]:
            forgetting.result(PATIENCE)
    assert kept(cookies) == 0


@pytest.mark.usefixtures("hurried")
def test_they_may_be_forgotten_while_their_bounds_change() -> None:
    cookies = Cookies()
    with serving(cookies) as (_, url):
        for _ in range(3):
            Browser(url).join("ticket", authid="joe")
    known = dict(cookies._known)
    with ThreadPoolExecutor(2) as pool:
        for _ in range(50):
            cookies._known = Hesitant(known)
            taking = pool.submit(cookies.take, 60, 2)
            pool.submit(cookies.forget).result(PATIENCE)
            taking.result(PATIENCE)
            assert kept(cookies) == 0


@pytest.mark.usefixtures("hurried")
def test_several_may_log_in_at_once_where_few_are_kept() -> None:
    cookies = Cookies(most=1)
    cookies._known = Hesitant()
    with serving(cookies) as (_, url), ThreadPoolExecutor(4) as pool:
        joining = [pool.submit(Browser(url).join, "ticket", authid="joe") for _ in range(60)]
        assert {who(each.result(PATIENCE))[0] for each in joining} == {"joe"}
    assert kept(cookies) == 1


def test_as_many_are_kept_as_were_allowed_and_the_oldest_goes() -> None:
    cookies = Cookies(most=2)
    with serving(cookies) as (_, url):
        browsers = [Browser(url) for _ in range(3)]
        for browser in browsers:
            browser.join("ticket", authid="joe")
        assert kept(cookies) == 2
        assert [browser.join("cookie")[0] for browser in browsers] == [3, 2, 2]


def test_within_tls_a_cookie_is_secure_and_of_this_host(certificate: Certificate) -> None:
    cookies = Cookies()
    with serving(cookies) as (router, plain):
        url = router.listen("wss://localhost:0/ws", cert=certificate.cert, key=certificate.key)
        browser = Browser(url, sslopt={"ca_certs": certificate.cert})
        assert who(browser.join("ticket", authid="joe"))[0] == "joe"
        assert browser.set.startswith("__Host-wamplite=") and browser.set.endswith("; Secure")
        assert who(browser.join("cookie"))[0] == "joe"
        leaked = Browser(plain)
        leaked.cookie = browser.cookie
        assert leaked.join("cookie")[0] == 3


def test_the_least_that_can_be_meant_is_taken() -> None:
    cookies = Cookies(max_age=1, most=1, name="a_b-c")
    _, fresh = cookies.agree([], False)
    assert fresh and fresh.startswith("a_b-c=")
    assert len(fresh.partition(";")[0].partition("=")[2]) == 32  # 24 octets


def test_a_router_without_cookies_sets_none() -> None:
    with Router() as router:
        browser = Browser(router.listen("ws://127.0.0.1:0/ws"))
        assert who(browser.join("anonymous"))[1] == "anonymous" and not browser.set


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"max_age": 0.5}, "1 second at least"),
        ({"most": 0}, "1 is kept at least"),
        ({"name": "a;b"}, "letters, digits"),
        ({"name": ""}, "letters, digits"),
        ({"name": "ä"}, "letters, digits"),
    ],
)
def test_what_cannot_be_meant_is_refused(options: Any, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        Cookies(**options)
