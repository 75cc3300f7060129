"""`wamplite router` with a file: what the options and the environment say goes before the file."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..router import listen_urls
from ..router.limits import Limits

if TYPE_CHECKING:
    from ..auth.cookie import Cookies
    from ..configuration.files import Configuration
    from ..configuration.settings import ListenerSettings

LISTEN = "tcp://127.0.0.1:8080"
OF_LISTENERS = {  # an option -> what it says of each listener
    "allow_anonymous_network": "allow_anonymous_network",
    "allow_origin": "allowed_origins",
    "allow_host": "allowed_hosts",
    "longpoll": "longpoll",
    "compress": "compress",
    "trusted_proxy": "trusted_proxies",
    "proxy_protocol": "proxy_protocol",
}


def read(path: str, options: argparse.Namespace) -> Configuration:
    """Return what a file says, and the options; UsageError where they do not go together."""
    from ..configuration import files
    from ..configuration.settings import ListenerSettings
    from .configured_realms import with_options

    found = files.read(path)
    realms = with_options(found.realms, options, path) if found.realms else ()
    listeners = found.listeners
    if options.listen or not listeners:
        listeners = tuple(ListenerSettings(url=url) for url in options.listen or [LISTEN])
    listeners = tuple(_with_options(listener, options) for listener in listeners)
    said = {**found.router.said, **limits_of(options)}
    router = replace(found.router, said=said)
    return replace(found, listeners=listeners, router=router, realms=realms)


def cookies_of(configuration: Configuration | None) -> Cookies | None:
    """Return the cookies of a router with a file."""
    if configuration is None:
        return None
    from ..configuration import build

    return build.cookies_of(configuration.router)


def _with_options(listener: ListenerSettings, options: argparse.Namespace) -> ListenerSettings:
    given: dict[str, Any] = {
        key: getattr(options, name) for name, key in OF_LISTENERS.items() if getattr(options, name)
    }
    if options.metrics and listen_urls.serves_http(listener.url):
        given["metrics"] = options.metrics
    if listen_urls.is_secure(listener.url):
        given |= {
            name: getattr(options, name) for name in ("cert", "key", "ca") if getattr(options, name)
        }
    return replace(listener, **given)


def limits_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return the limits that options say, or the environment: each as WAMPLITE_ and its name."""
    found = _of_environment(os.environ)
    for name in Limits._fields:
        said = getattr(options, name, None)
        if said is not None:
            found[name] = said
    return found


def _of_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    names = {f"WAMPLITE_{name.upper()}": name for name in Limits._fields}
    given = {variable: environment[variable] for variable in names if variable in environment}
    if not given:
        return {}
    from ..config import Document
    from ..configuration.limits import RouterTable

    keys, found = RouterTable().keys, {}
    for variable, value in given.items():
        document = Document({})
        found[names[variable]] = keys[names[variable]].read(
            _value(value), document.root() / variable
        )
        document.finish()
    return found


def _value(text: str) -> Any:
    """Return a number where a text is one."""
    try:
        return float(text) if "." in text else int(text)
    except ValueError:
        return text
