"""A QR code on a terminal, by the package segno (the extra `qr`)."""

from __future__ import annotations

import io


def code(text: str) -> str | None:
    """Return the lines of a QR code; None where segno is not installed."""
    try:
        import segno
    except ImportError:
        return None
    drawn = io.StringIO()
    segno.make(text, error="m", micro=False).terminal(out=drawn, compact=True)
    return drawn.getvalue()
