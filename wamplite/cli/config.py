"""Of the configuration file: a JSON Schema for editors, the page of all keys.

wamplite config schema -o wamplite.schema.json
wamplite config page
"""

from __future__ import annotations

import argparse
import json
import sys

from ..configuration import reference
from .init import write


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `wamplite config`."""
    add = parser.add_argument
    add("action", choices=("schema", "page"))
    add("-o", "--output", default="-", metavar="FILE", help="default: stdout")
    add("--force", action="store_true", help="write over a file that is there")


def run(options: argparse.Namespace) -> int:
    """Do what is asked."""
    is_page = options.action == "page"
    made = reference.page() if is_page else json.dumps(reference.json_schema(), indent=2) + "\n"
    if options.output == "-":
        sys.stdout.write(made)
    else:
        write(options.output, made, options.force)
    return 0
