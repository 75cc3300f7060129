"""Whether the head of an HTTP request is here, told without the library that reads it."""

from __future__ import annotations

import re

_BLANK_LINE = re.compile(rb"\n\r?\n")


def is_whole(head: bytes, most: int) -> bool:
    """Tell whether no more is needed to answer, or to refuse what is longer than `most` or none."""
    is_request = head[:1].isalpha() and not head.startswith(b"PROXY ")
    return not is_request or len(head) > most or _BLANK_LINE.search(head) is not None
