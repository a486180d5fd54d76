"""Many at once, as many as there are cores, and one answer for all of them."""

import os
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from pse.core.errors import Incomplete, PseError
from pse.core.structs import prepare_structs

T = TypeVar("T")
Item = TypeVar("Item")


def together(
    items: Mapping[str, Item], act: Callable[[Item], T], before: Collection[str], *, effects: bool = True
) -> dict[str, T]:
    """``act`` on every item, as many at once as there are cores, and the results by the items' names.

    Args:
        items: By name.
        act: What is done with one.
        before: Names of what was done already.
        effects: ``act`` changes something, so that what was done and what not is told.

    Raises:
        PseError: The one error, when there was one only and nothing was done, now or ``before``.
        Incomplete: Some were done and others failed; or several failed, and not alike.
    """
    done: dict[str, T] = {}
    failed: dict[str, PseError] = {}
    prepare_structs()
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        running = {pool.submit(act, item): name for name, item in items.items()}
        try:
            for future in as_completed(running):
                try:
                    done[running[future]] = future.result()
                except PseError as exc:
                    failed[running[future]] = exc
        except BaseException:
            # Interrupted: what has not begun is not begun; what runs is told by its own signal handling.
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    if not failed:
        return done
    first = failed[min(failed)]
    words = "; ".join(f"{name}: {failed[name].message}" for name in sorted(failed))
    stands = sorted((*done, *before)) if effects else []
    if len(failed) == 1 and not stands:
        raise first
    if not stands and len({type(exc) for exc in failed.values()}) == 1:
        raise type(first)(words, hint=first.hint)
    raise Incomplete(
        words,
        hint=(f"Done: {', '.join(stands)}. " if stands else "") + f"Correct what failed and run it again. {first.hint}",
        where=", ".join(sorted(failed)),
    ) from first
