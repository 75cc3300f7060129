"""Behind HAProxy and nginx: they tell who connects, in each of the ways that they have."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import wamplite
from tests.router.conftest import parts
from tests.waiting import until
from wamplite import Router

CLIENT, PROXY = "127.0.0.1", "127.0.0.9"  # all of 127/8 is ours

HAPROXY = """
defaults
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen headed
    mode tcp
    bind {front}
    server router {back} source 127.0.0.9 {option}
"""
HAPROXY_HTTP = """
defaults
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen http
    mode http
    bind {front}
    option forwardfor
    server router {back} source 127.0.0.9
"""
NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/errors;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
    uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    server {{
        listen {front};
        location /ws {{
            proxy_pass http://{back};
            proxy_bind 127.0.0.9;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header Forwarded "";
        }}
    }}
}}
"""


def free() -> str:
    with socket.create_server((CLIENT, 0)) as sock:
        return f"{CLIENT}:{sock.getsockname()[1]}"


def program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if found is None:
        pytest.skip(f"{name} is not here")
    return found


@contextmanager
def running(command: list[str], front: str) -> Iterator[None]:
    """Run a proxy until the block ends."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    host, port = front.split(":")

    def listens() -> bool:
        assert process.poll() is None, f"{command[0]} has ended"
        with socket.socket() as sock:
            return sock.connect_ex((host, int(port))) == 0

    try:
        until(listens)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def addresses(router: Router) -> list[str | None]:
    return [each.carrier.address for each in parts(router).presences.of("realm1")]


@pytest.mark.parametrize("option", ["send-proxy", "send-proxy-v2"])
@pytest.mark.parametrize("scheme", ["rs", "ws"])
def test_haproxy_begins_with_a_proxy_header(option: str, scheme: str, tmp_path: Path) -> None:
    haproxy, front = program("haproxy"), free()
    with Router(allow_anonymous_network=True) as router:
        url = router.listen("tcp://127.0.0.1:0", proxy_protocol=True, trusted_proxies=[PROXY])
        back = url.removeprefix("tcp://")
        told = tmp_path / "haproxy.cfg"
        told.write_text(HAPROXY.format(front=front, back=back, option=option))
        place = f"{scheme}://{front}" + ("/ws" if scheme == "ws" else "")
        command = [haproxy, "-db", "-f", str(told)]
        with running(command, front), wamplite.connect(place) as session:
            assert session.call("wamp.session.count") == 1
            assert addresses(router) == [CLIENT]


def test_haproxy_says_x_forwarded_for(tmp_path: Path) -> None:
    haproxy, front, told = program("haproxy"), free(), tmp_path / "haproxy.cfg"
    with Router(allow_anonymous_network=True) as router:
        back = router.listen("tcp://127.0.0.1:0", trusted_proxies=[PROXY]).removeprefix("tcp://")
        told.write_text(HAPROXY_HTTP.format(front=front, back=back))
        command = [haproxy, "-db", "-f", str(told)]
        with running(command, front), wamplite.connect(f"ws://{front}/ws") as session:
            assert session.call("wamp.session.count") == 1
            assert addresses(router) == [CLIENT]


def test_nginx_adds_to_what_anybody_wrote(tmp_path: Path) -> None:
    nginx, front, told = program("nginx"), free(), tmp_path / "nginx.conf"
    with Router(allow_anonymous_network=True) as router:
        back = router.listen("tcp://127.0.0.1:0", trusted_proxies=[PROXY]).removeprefix("tcp://")
        told.write_text(NGINX.format(folder=tmp_path, front=front, back=back))
        with running([nginx, "-c", str(told), "-p", str(tmp_path)], front):
            forged = {"X-Forwarded-For": "203.0.113.7", "Forwarded": "for=203.0.113.7"}
            with (
                wamplite.connect(f"ws://{front}/ws") as honest,
                wamplite.connect(f"ws://{front}/ws", headers=forged),
            ):
                assert honest.call("wamp.session.count") == 2
                assert addresses(router) == [CLIENT, CLIENT]
