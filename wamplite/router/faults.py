"""How a thread that must go on tells of what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable


def log_fault(
    logger: logging.Logger, text: str, *values: object, fault: BaseException | None = None
) -> None:
    """Log an exception, by default the one that is being handled; this may fail as well."""
    try:  # noqa: SIM105 - `suppress` has to be made, and there may be no memory for that
        logger.error(text, *values, exc_info=fault or True)
    except BaseException:  # out of memory, or somebody's filter or handler
        pass


def guarded(logger: logging.Logger, run: Callable[[], object], text: str, *values: object) -> bool:
    """Run something whatever it raises, a SystemExit too; False if it did, which is logged."""
    try:
        run()
    except BaseException:
        log_fault(logger, text, *values)
        return False
    return True
