"""Print the version of wamplite and of the Python that runs it."""

from __future__ import annotations

import argparse
import platform

from ..version import __version__
from .common import emit


def configure(parser: argparse.ArgumentParser) -> None:
    """`wamplite version` takes no arguments."""


def run(options: argparse.Namespace) -> int:
    """Print one JSON object."""
    emit({"wamplite": __version__, "python": platform.python_version()})
    return 0
