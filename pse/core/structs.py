"""Structs made ready before threads use them.

msgspec 0.22 looks at the fields of a struct type when the type is first used for decoding or converting, and ends the
process with a signal where a second thread uses it meanwhile. So a process that reads with many threads looks at all
types first, with one.
"""

from threading import Lock

import msgspec

_LOCK = Lock()
_READY: set[type] = set()


def prepare_structs() -> int:
    """Make every struct type that is loaded ready for use by many threads.

    To be called before threads begin, and again after a module was imported while they run. Types that were looked at
    before cost nothing.

    Returns:
        How many types were looked at in this call.
    """
    with _LOCK:
        waiting = [cls for cls in _loaded(msgspec.Struct) if cls not in _READY]
        for cls in waiting:
            try:
                msgspec.json.Decoder(cls)
            except (NameError, TypeError):
                # Not a type that anything can be read into, now or later.
                continue
            finally:
                _READY.add(cls)
        return len(waiting)


def _loaded(base: type) -> list[type]:
    found: list[type] = []
    direct: list[type] = base.__subclasses__()
    for cls in direct:
        found += [cls, *_loaded(cls)]
    return found
