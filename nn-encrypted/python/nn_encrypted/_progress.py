"""Progress of a training: a bar of tqdm where it is installed, and lines elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import Any, Callable, Iterator

Tell = Callable[[dict[str, Any]], object]

#: Seconds between lines.
_PAUSE = 5.0


def _lines() -> Tell:
    last = time.monotonic()

    def tell(event: dict[str, Any]) -> None:
        nonlocal last
        if event["epoch"] is None and time.monotonic() - last < _PAUSE:
            return
        last = time.monotonic()
        left = event["seconds_left"]
        left = "" if left is None else f", about {left:.0f} s left"
        print(f"step {event['step']}/{event['steps']}{left}", file=sys.stderr)

    return tell


@contextmanager
def progress(callback: Tell | None, verbose: int) -> Iterator[Tell | None]:
    """What is to be told of each event; None if nobody wants to know."""
    if not verbose:
        yield callback
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        shown, bar = _lines(), None
    else:
        bar = tqdm(unit="step")

        def shown(event: dict[str, Any]) -> None:
            bar.total = event["steps"]
            bar.update(event["step"] - bar.n)

    def tell(event: dict[str, Any]) -> None:
        shown(event)
        if callback is not None:
            callback(event)

    try:
        yield tell
    finally:
        if bar is not None:
            bar.close()
