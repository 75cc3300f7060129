"""How a thread that must go on tells of what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress


def log_fault(logger: logging.Logger, text: str, *values: object) -> None:
    """Log the exception that is being handled; that this may fail as well changes nothing."""
    with suppress(BaseException):  # out of memory, or somebody's filter or handler
        logger.exception(text, *values)


def guarded(logger: logging.Logger, run: Callable[[], object], text: str, *values: object) -> bool:
    """Run something whatever it raises, a SystemExit too; False if it did, which is logged."""
    try:
        run()
    except BaseException:
        log_fault(logger, text, *values)
        return False
    return True
