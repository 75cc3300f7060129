"""The page of docs/browser.md, as pasted, in a headless browser: it joins and is called."""

from __future__ import annotations

import logging
import queue
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import wamplite
from tests.processes import ROOT

from .peers import place

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 60.0  # seconds; a browser starts slowly beside other tests
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--remote-debugging-port=0",
)  # fmt: skip


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, and prints nothing of it."""

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def browser() -> str:
    place("chromium")
    return next(filter(None, map(shutil.which, BROWSERS)))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Give the origin of a directory that is served, and the directory."""
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "node_modules").symlink_to(place("autobahn-browser") / "node_modules")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", folder
        server.shutdown()
        thread.join(10)


def save_page(folder: Path, url: str) -> None:
    """Save the page as the document has it, but for the port."""
    text = (ROOT / "docs" / "browser.md").read_text()
    [page] = re.findall(r"```html\n(.*?)```", text, re.DOTALL)
    assert page.count("ws://127.0.0.1:8080/ws") == 1
    (folder / "index.html").write_text(page.replace("ws://127.0.0.1:8080/ws", url))


def open_page(stack: ExitStack, browser: str, url: str, profile: Path) -> None:
    """Open a page in a browser of its own, until the stack ends."""
    words = [browser, *FLAGS, f"--user-data-dir={profile}", url]
    opened = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(opened.wait, PATIENCE)
    stack.callback(opened.terminate)


def test_the_page_of_the_documentation_works_as_pasted(
    browser: str, site: tuple[str, Path], tmp_path: Path
) -> None:
    origin, folder = site
    ready: queue.Queue[str] = queue.Queue()
    with ExitStack() as stack:
        router = stack.enter_context(wamplite.Router(allowed_origins=[origin]))
        url = router.listen("ws://127.0.0.1:0/ws")
        save_page(folder, url)
        session = stack.enter_context(wamplite.connect(url))
        session.subscribe("com.example.page.ready", lambda word: ready.put(word))
        open_page(stack, browser, f"{origin}/", tmp_path / "profile")
        assert ready.get(timeout=PATIENCE) == "ready"
        assert session.call("com.example.page.add2", 2, 3) == 5


def test_a_page_can_do_the_same_over_http_alone(
    browser: str, site: tuple[str, Path], tmp_path: Path
) -> None:
    origin, folder = site
    ready: queue.Queue[str] = queue.Queue()
    with ExitStack() as stack:
        router = stack.enter_context(wamplite.Router(allowed_origins=[origin], longpoll=True))
        url = router.listen("ws://127.0.0.1:0/ws")
        save_page(folder, url)
        page = folder / "index.html"
        [way] = re.findall("transports: .*?]", (ROOT / "docs" / "http.md").read_text())
        way = way.replace("http://127.0.0.1:8080/lp", f"http{url[2:-2]}lp")
        page.write_text(page.read_text().replace(f'url: "{url}"', way))
        session = stack.enter_context(wamplite.connect(url))
        session.subscribe("com.example.page.ready", lambda word: ready.put(word))
        open_page(stack, browser, f"{origin}/", tmp_path / "profile")
        assert ready.get(timeout=PATIENCE) == "ready"
        for number in range(20):
            assert session.call("com.example.page.add2", number, 3) == number + 3
        carriers = {one["transport"]["type"] for one in session.meta.sessions()}
        assert carriers == {"websocket", "longpoll"}


TELLS = """<script>
  const said = () => document.getElementById("said").textContent;
  setInterval(() => connection.session?.publish("com.example.page.said", [said()]), 100);
</script>
"""


def test_a_second_page_shows_what_it_was_refused(
    browser: str, site: tuple[str, Path], tmp_path: Path
) -> None:
    origin, folder = site
    refused: queue.Queue[str] = queue.Queue()

    def on_said(text: str) -> None:
        if "refused: " in text:
            refused.put(text)

    with ExitStack() as stack:
        router = stack.enter_context(wamplite.Router(allowed_origins=[origin]))
        url = router.listen("ws://127.0.0.1:0/ws")
        save_page(folder, url)
        with (folder / "index.html").open("a") as page:
            page.write(TELLS)
        session = stack.enter_context(wamplite.connect(url))
        session.register("com.example.page.add2", print)
        session.subscribe("com.example.page.said", on_said)
        open_page(stack, browser, f"{origin}/", tmp_path / "profile")
        words = refused.get(timeout=PATIENCE).splitlines()[-1]
        assert words.startswith("refused: wamp.error.procedure_already_exists 'com.example.page.")


def test_a_page_that_is_not_allowed_is_told_of_in_the_routers_log(
    browser: str, site: tuple[str, Path], tmp_path: Path
) -> None:
    origin, folder = site
    told = threading.Event()

    class Ear(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if f"--allow-origin {origin}" in record.getMessage():
                told.set()

    with ExitStack() as stack:
        router = stack.enter_context(wamplite.Router())
        save_page(folder, router.listen("ws://127.0.0.1:0/ws"))
        ear, logger = Ear(), logging.getLogger("wamplite.router")
        logger.addHandler(ear)
        stack.callback(logger.removeHandler, ear)
        open_page(stack, browser, f"{origin}/", tmp_path / "profile")
        assert told.wait(PATIENCE)
