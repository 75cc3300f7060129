"""Write a wamplite.toml to begin with: a router for this machine alone, and every key explained.

With --network it is one for the network: TLS by the files of `wamplite cert`, the realm home, whose
users stand in users.toml, and two roles, owner and device. Nobody anonymous gets in.

It is never written over a file that is there, unless --force says so. -o -: to stdout.
"""

from __future__ import annotations

import argparse
import os
import sys

from ..configuration.reference import LOCAL, NETWORK, commented
from ..core.errors import UsageError
from ..file_errors import doing

FILE = "wamplite.toml"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite init`."""
    add = parser.add_argument
    add("-o", "--output", default=FILE, metavar="FILE", help="default: %(default)s")
    add("--network", action="store_true", help="for the network: see above")
    add("--force", action="store_true", help="write over a file that is there")


def run(options: argparse.Namespace) -> int:
    """Write the file."""
    text = commented(NETWORK if options.network else LOCAL)
    if options.output == "-":
        sys.stdout.write(text)
        return 0
    write(options.output, text, options.force)
    before = "wamplite cert, wamplite user add, " if options.network else ""
    print(f"{options.output} is written; next: {before}wamplite router -c {options.output}")
    return 0


def write(path: str, text: str, force: bool) -> None:
    """Write a new file; UsageError where one is there."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    with doing("write", path):
        try:
            descriptor = os.open(path, flags, 0o644)
        except FileExistsError:
            raise UsageError(f"{path} is there already: --force writes over it") from None
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
