"""The long description: README.md, whose relative links lead nowhere outside of the source tree."""

import re
from pathlib import Path

from setuptools import setup

PLACES = "The files that are named here without an address are in the source distribution.\n"


def named(link):
    """Return a relative link as its words and, where they do not say it, the file's name."""
    words, target = link[1], link[2].partition("#")[0]
    return f"`{target}`" if words == target else f"{words} (`{target}`)"


text = (Path(__file__).parent / "README.md").read_text(encoding="utf-8")
setup(long_description=re.sub(r"\[([^\]]*)\]\((?!\w+:)([^)]*)\)", named, text) + "\n" + PLACES)
