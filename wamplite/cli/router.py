"""Run a router until SIGTERM or SIGINT: prints `listening URL` for each listener, then `ready`.

What it does stands in a file, wamplite.toml (`wamplite init` writes one, `wamplite check` checks
it), which is read again at SIGHUP and by `wamplite reload`. Without a file and options it listens
on tcp://127.0.0.1:8080 (WebSocket at /ws, and RawSocket) for realm1. Options go before the
environment, WAMPLITE_ and the name of a limit, and that before the file. Logs go to stderr.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import collector, notify, signals
from ..configuration import places
from ..features import GROUPS, names
from ..locks import Latch
from ..router.listen_urls import serves_http
from . import configured, logs
from .common import positive, size
from .process import PidFile, allow_descriptors
from .reloading import Reloader, decline

if TYPE_CHECKING:
    from ..auth.cookie import Cookies
    from ..configuration.build import Estate
    from ..configuration.files import Configuration
    from ..core.feature import Factory
    from ..router import Router

log = logging.getLogger(__name__)

HINTS = {
    **dict.fromkeys(("-p", "--port"), "say --listen tcp://127.0.0.1:PORT"),
    **dict.fromkeys(("-H", "--host", "--bind", "--address"), "say --listen tcp://HOST:PORT"),
    **dict.fromkeys(("-u", "--url"), "say --listen tcp://HOST:PORT"),
}
REALM = "realm1"
LOOK = 1.0  # seconds between two looks at files of users
HOUR = 3600.0  # seconds of one wait where no signs of life are due
SOON = 0.001  # seconds: above 0, so that a realm whose lock is held for ever blocks only the timers
SWITCH = 0.0005  # seconds that a busy thread may keep the others waiting; Python's default: 5 ms


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite router`."""
    add = parser.add_argument
    add(
        "-c",
        "--config",
        metavar="FILE",
        help="default: $WAMPLITE_CONFIG, ./wamplite.toml or /etc/wamplite/wamplite.toml, where"
        " there is one",
    )
    add(
        "--listen",
        action="append",
        metavar="URL",
        help="tcp://HOST:PORT (WebSocket and RawSocket), tls://HOST:PORT, unix:///PATH, or ws, wss,"
        " rs, rss for one of the two, or a serial port: serial:///dev/ttyUSB0?baud=115200;"
        f" repeatable (default: {configured.LISTEN})",
    )
    add("--realm", action="append", metavar="NAME", help=f"repeatable (default: {REALM})")
    add(
        "--feature",
        action="append",
        metavar="NAME",
        help=f"repeatable; {', '.join(GROUPS)} (default: standard), or {', '.join(names())}",
    )
    add(
        "--history",
        action="append",
        metavar="TOPIC",
        help="keep its events: com.example.log, prefix:com.example, wildcard:com..log; repeatable",
    )
    add("--keep", metavar="DIRECTORY", help="keep retained events and history there, in files")
    add("--strict", action="store_true", help="request ids must start at 1 and step by 1")
    add("--compress", action="store_true", help="agree to deflated messages over WebSocket")
    add("--longpoll", action="store_true", help="serve sessions over HTTP requests at /lp")
    add(
        "--metrics",
        metavar="REALM",
        help="tell figures at /metrics (Prometheus) to who may call wamplite.router.stats there",
    )
    _add_bounds(parser)
    _add_access(parser)
    add("-v", "--verbose", action="store_true", help="the same as --log-level debug")
    logs.add_options(parser)


def _add_bounds(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--max-connections", type=positive, metavar="N", help="in all")
    add("--max-connections-per-address", type=positive, metavar="N")
    add("--max-handshaking", type=positive, metavar="N", help="of those that have not joined yet")
    add("--max-handshaking-per-address", type=positive, metavar="N")
    add(
        "--max-buffered",
        type=size,
        metavar="SIZE",
        help="of all connections: what waits to be sent or is half received, in bytes or with K, M,"
        " G (default: an eighth of the memory, at most 64M)",
    )
    add(
        "--ping-interval",
        type=float,
        metavar="SECONDS",
        help="of silence, until a peer is pinged; 0: never (default: 20)",
    )
    add("--max-message-size", type=positive, metavar="BYTES", help="up to 16 MiB")
    add(
        "--readers",
        choices=("auto", "threads", "shared"),
        help="of plain sockets: a thread for each, one thread for all, or the latter where there"
        " are many (default: auto)",
    )


def _add_access(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--trusted-proxy",
        action="append",
        metavar="ADDRESS",
        help="a reverse proxy whose X-Forwarded-For tells who connects: an address, a network, or"
        " unix; repeatable",
    )
    add(
        "--proxy-protocol",
        action="store_true",
        help="trusted proxies begin each connection with a PROXY header instead",
    )
    add(
        "--allow-anonymous-network",
        action="store_true",
        help="listen beyond loopback although nobody has to say who they are",
    )
    add(
        "--allow-origin",
        action="append",
        metavar="URL",
        help="a web page's origin, http://host:*, or *; repeatable",
    )
    add("--allow-host", action="append", metavar="NAME", help="a name of this host; repeatable")
    add("--cert", metavar="FILE", help="certificate chain for tls, wss and rss listeners")
    add("--key", metavar="FILE", help="its private key")
    add("--ca", metavar="FILE", help="who signs the certificates of clients, see wamplite cert")


def run(options: argparse.Namespace) -> int:
    """Run a router; the first signal ends it with GOODBYE, a second one at once."""
    from ..router.limits import Limits

    sys.setswitchinterval(SWITCH)
    threading.stack_size(Limits().stack_size)
    with (
        signals.Ending() as ending,
        logs.to_stderr(
            "debug" if options.verbose else options.log_level, format=options.log_format
        ),
    ):
        file = places.find(options.config)
        configuration = configured.read(file, options) if file else None
        cookies = configured.cookies_of(configuration)
        with make_router(options, configuration, cookies) as router:
            allow_descriptors(router.limits.max_connections)
            estate = furnish(router, configuration, cookies) if configuration and cookies else None
            collector.settle()
            listen(router, options, estate)
            notify.tell("READY=1")
            if estate is None or file is None:
                wait(router, ending)
            else:
                with PidFile(estate.configuration.router.pid_file) as pid_file:
                    read = partial(configured.read, file, options)
                    wait(router, ending, Reloader(estate, read, pid_file))
            notify.tell("STOPPING=1")
            ending.release()
    return 0


def furnish(router: Router, configuration: Configuration, cookies: Cookies) -> Estate:
    """Open the realms of a file, and tell what is perhaps not meant."""
    from ..configuration.build import Estate

    log.info("configured by %s", ", ".join(configuration.files))
    for warning in configuration.warnings:
        log.warning("%s", warning)
    return Estate(router, configuration, cookies)


def wait(router: Router, ending: signals.Ending, again: Reloader | None = None) -> None:
    """Wait for a signal; send signs of life meanwhile where systemd asks for them.

    again: looks meanwhile whether users have changed, and reads the file again at SIGHUP.
    """
    interval, pulse = notify.interval(), notify.Pulse()
    hangup = again.reload if again else decline
    seconds = min(interval / 2 or HOUR, LOOK if again else HOUR)
    while not ending.wait(seconds, lambda: figures(router), hangup):
        if again:
            again.notice()
        if not pulse.is_due:
            continue
        if is_alive(router, interval):
            pulse.beat()
        else:
            log.error("a realm has not routed within %g s: no sign of life for systemd", interval)


def figures(router: Router) -> str:
    """Return a line: the number of sessions, and what was refused, dropped or missed so far."""
    counters = router.counters.items()
    return " ".join([f"sessions={router.sessions}", *(f"{name}={n}" for name, n in counters)])


def is_alive(router: Router, seconds: float) -> bool:
    """Tell whether the timers' thread runs, and each realm routes what the timers give it."""
    routed = [Latch() for _ in router.realms]
    for routing, event in zip(router.realms.values(), routed, strict=True):
        routing.realm.later(SOON, event.set)
    deadline = time.monotonic() + seconds
    return all(event.wait(max(0.0, deadline - time.monotonic())) for event in routed)


def make_router(
    options: argparse.Namespace, configuration: Configuration | None, cookies: Cookies | None
) -> Router:
    """Return the router that the options describe, with its own defaults for the others.

    Realms that a file has are opened later: it has none that the options name then.
    """
    from ..router import Router

    limits = configuration.router.limits if configuration else configured.limits_of(options)
    has_realms = configuration is not None and bool(configuration.realms)
    given: dict[str, Any] = {
        "features": None if has_realms else features(options),
        "strict": options.strict and not has_realms,
        "compress": options.compress,
        "longpoll": options.longpoll,
        "allow_anonymous_network": options.allow_anonymous_network,
        "allowed_origins": options.allow_origin,
        "allowed_hosts": options.allow_host,
        "cookies": cookies,
        **limits,
    }
    given = {key: said for key, said in given.items() if said is not None and said is not False}
    return Router(realms=[] if has_realms else options.realm or [REALM], **given)


def features(options: argparse.Namespace) -> list[Factory | str]:
    """Return the features that the options ask for; what is configured is a function."""
    keep = options.keep and Path(options.keep)
    of_options = {"event_history": options.history, "event_retention": keep}
    names = options.feature or ["standard"]
    wanted: list[Factory | str] = [name for name in names if not of_options.get(name)]
    if options.history:
        from ..advanced.event_history import ForRouter as History

        file = str(keep / "history-{realm}.db") if keep else None
        wanted.append(partial(History, options.history, file=file))
    if keep:
        from ..advanced.event_retention import ForRouter as Retention
        from .configured_realms import make_keep

        make_keep(keep)
        wanted.append(partial(Retention, file=str(keep / "retained-{realm}.db")))
    return wanted


def listen(router: Router, options: argparse.Namespace, estate: Estate | None = None) -> None:
    """Open the listeners, and print the URL of each with its real port."""
    if estate is not None:
        for url in estate.listen():
            say(f"listening {url}")
        say("ready")
        return
    given: dict[str, Any] = {"cert": options.cert, "key": options.key, "ca": options.ca}
    given |= {"trusted_proxies": options.trusted_proxy, "proxy_protocol": options.proxy_protocol}
    given = {key: said for key, said in given.items() if said is not None and said is not False}
    for url in options.listen or [configured.LISTEN]:
        metrics = options.metrics if options.metrics and serves_http(url) else ""
        say(f"listening {router.listen(url, metrics=metrics, **given)}")
    say("ready")


def say(line: str) -> None:
    """Print a line by one write, so that no line of stderr can come in between."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
