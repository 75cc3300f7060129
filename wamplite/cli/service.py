"""Write systemd units for `wamplite router` and `wamplite bridge`, or show them.

    wamplite service show                      both, on stdout
    sudo wamplite service install              both, in /etc/systemd/system; where sudo does not
                                               find it: sudo $(command -v wamplite) service install
    wamplite service install --user bridge     one, in ~/.config/systemd/user
    wamplite service show router -- --listen tcp://127.0.0.1:8080 --realm home
    sudo wamplite service install router@      a template: one router for each file

What follows `--` goes to the router. The bridge reads /etc/wamplite/bridge.toml, with --user
~/.config/wamplite/bridge.toml; wamplite-router@home reads home.toml in the same folder. Existing
units are overwritten only with --force.
"""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from pathlib import Path

from ..core.errors import UsageError
from ..file_errors import doing
from . import systemd
from .common import is_unicode
from .profile import config_home
from .streams import complain

TAKES_REST = True
NAMES = ("router", "bridge")  # unless others are asked for
TEMPLATE = "router@"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite service`."""
    add = parser.add_argument
    add("action", choices=("install", "show"))
    add("names", nargs="*", metavar="UNIT", help="router, bridge (default: these), router@")
    add("--user", action="store_true", help="for the user's own systemd, without root")
    add("--force", action="store_true", help="write over units that are there")
    add("--directory", metavar="DIR", help="where to install them")
    add("--account", metavar="NAME", help="whom they run as (default: a user made for each)")
    add("--config", metavar="FILE", help="what the bridge reads")
    add("--secret", metavar="FILE", help="the bridge's secret, which it gets as a credential")


def run(options: argparse.Namespace) -> int:
    """Show or write the units."""
    names = list(dict.fromkeys(options.names)) or list(NAMES)
    if unknown := set(names) - {*NAMES, TEMPLATE}:
        known = f"{', '.join(NAMES)} and {TEMPLATE}"
        raise UsageError(f"units are {known}, not {', '.join(sorted(unknown))}")
    if options.user and options.account:
        raise UsageError("--user runs as that user: leave --account out")
    if options.rest and not {"router", TEMPLATE} & set(names):
        raise UsageError("what follows `--` goes to the router, which is not asked for")
    check(options)
    texts = {f"wamplite-{name}.service": text_of(name, options) for name in names}
    for path in () if options.account or options.user else closed_to_others(sys.executable):
        complain(
            f"others may not enter {path}, where this Python is: give --account,"
            " or install wamplite where all can read it"
        )
    if options.action == "show":
        print("\n".join(f"# {name}\n{text}" for name, text in texts.items()), end="")
    else:
        install(texts, options)
    return 0


def check(options: argparse.Namespace) -> None:
    """Refuse a word that a unit cannot hold as it is."""
    said = (options.account, options.config, options.secret, options.directory, *options.rest)
    for word in filter(None, said):
        if "\n" in word or not is_unicode(word):
            raise UsageError(f"a unit is UTF-8 in lines, {ascii(word)} is not")


def text_of(name: str, options: argparse.Namespace) -> str:
    """Return the text of a unit."""
    program = [sys.executable, "-m", "wamplite"]
    folder = home() / "wamplite" if options.user else Path("/etc/wamplite")
    if name != "bridge":
        files = folder.absolute() if name == TEMPLATE else None
        command, again = [*program, "router", *options.rest], [*program, "reload"]
        return systemd.router(command, options.user, options.account, again, files)
    command = [*program, name]
    config = Path(options.config or folder / "bridge.toml").absolute()
    secret = Path(options.secret).absolute() if options.secret else None
    return systemd.bridge([*command, str(config)], options.user, options.account, config, secret)


def home() -> Path:
    """Return the directory of the user's settings."""
    found = config_home()
    if found is None:
        raise UsageError("--user: there is no home directory: set $HOME")
    return Path(found)


def closed_to_others(program: str) -> list[Path]:
    """Return the directories above a program that only some may enter."""
    return [path for path in Path(program).parents if not path.stat().st_mode & 0o001]


def install(texts: dict[str, str], options: argparse.Namespace) -> None:
    """Write all units; UsageError, and none is written, where one exists."""
    usual = home() / "systemd/user" if options.user else Path("/etc/systemd/system")
    folder = Path(options.directory or usual)
    there = [str(folder / name) for name in texts if os.path.lexists(folder / name)]
    if there and not options.force:
        raise UsageError(f"{', '.join(there)}: there already; --force writes over it")
    with doing("write units in", folder):
        try:
            write(texts, folder)
        except PermissionError as error:
            if options.user:
                raise
            again = shlex.join([sys.executable, "-m", "wamplite", *sys.argv[1:]])
            text = f"cannot write units in {folder}: {error.strerror}: as root: sudo {again}"
            raise UsageError(text) from error
    systemctl = "systemctl --user" if options.user else "systemctl"
    units = [name.replace("@", "@FILE") for name in texts]
    print(f"next: {systemctl} daemon-reload && {systemctl} enable --now {' '.join(units)}")


def write(texts: dict[str, str], folder: Path) -> None:
    """Write each unit whole, or leave the one that is there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        new = folder / f".{name}.new"
        new.write_text(text)
        os.replace(new, folder / name)
        print(f"wrote {folder / name}")
