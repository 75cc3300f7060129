"""Of the configuration file: a schema for editors, the page of all keys, files of other routers.

    wamplite config schema > wamplite.schema.json
    wamplite config page
    wamplite config import .crossbar/config.json -o wamplite.toml     Crossbar, nexus, nxt

What of another router's file has no counterpart here is named on stderr, and in comments. Its users
go into users.toml beside FILE; what is not derived of a password yet is derived.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from ..configuration import users_file
from ..configuration.users_file import Listed
from ..core.errors import UsageError
from .common import text
from .init import write
from .streams import complain


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite config`."""
    add = parser.add_argument
    add("action", choices=("schema", "page", "import"))
    add("file", nargs="?", type=text, help="to import: JSON, or YAML where PyYAML is installed")
    add("-o", "--output", default="-", metavar="FILE", help="default: stdout")
    add("--force", action="store_true", help="write over a file that is there")


def run(options: argparse.Namespace) -> int:
    """Do what is asked."""
    if options.action == "import":
        if options.file is None:
            raise UsageError("which file? wamplite config import .crossbar/config.json")
        from ..configuration.foreign.importing import imported

        draft = imported(options.file)
        for line in draft.lost:
            complain(f"no counterpart: {line}")
        made = draft.text(options.file)
        write_users(draft.listed, options)
    else:
        from ..bridge.configuration import reference as of_bridge
        from ..configuration import reference

        if options.action == "page":
            made = reference.page()
        else:
            schema = reference.json_schema(of_bridge.properties())
            made = json.dumps(schema, indent=2) + "\n"
    if options.output == "-":
        sys.stdout.write(made)
    else:
        write(options.output, made, options.force)
    return 0


def write_users(listed: list[Listed], options: argparse.Namespace) -> None:
    """Write the users beside the file; UsageError where users are there already."""
    if not listed:
        return
    if options.output == "-":
        where = f"-o FILE puts them into {users_file.NAME} beside it"
        complain(f"{len(listed)} users are not written: {where}")
        return
    path = Path(options.output).parent / users_file.NAME
    if path.exists() and not options.force:
        raise UsageError(f"{path} is there already: --force writes over it")
    path.unlink(missing_ok=True)
    with users_file.edit(path) as users:
        users.extend(listed)
    print(f"{path}: {len(listed)} users")
