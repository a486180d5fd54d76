"""The options of a register's entry: what there is, what has to be there, and those that are numbers of seconds."""

from collections.abc import Collection, Mapping

from providers.ports import PortError

MOST_S = 86_400.0
"""Seconds of the longest wait: a day."""


def check(
    options: Mapping[str, str],
    *,
    known: Collection[str],
    needed: Collection[str] = (),
    families: Collection[str] = (),
    where: str,
) -> None:
    """See that an entry has what is needed, nothing unknown, and numbers where there have to be.

    Args:
        options: Of the entry.
        known: Options that there are; one whose name ends with ``_s`` is a number of seconds.
        needed: Those that it has to have.
        families: How the names of further ones begin, for example ``image.``.
        where: The place.

    Raises:
        PortError: It has not.
    """
    strange = sorted(name for name in options if name not in known and not name.startswith(tuple(families)))
    missing = [name for name in needed if not options.get(name)]
    if strange or missing:
        said = f"no option is called {strange[0]!r}" if strange else f"option {missing[0]} is missing"
        there = sorted({*known, *(f"{family}NAME" for family in families)})
        raise PortError(said, reason="invalid", where=where, hint=f"The options are {', '.join(there)}.")
    for name in known:
        if name.endswith("_s"):
            seconds(options, name, 0.0, where=where)


def seconds(options: Mapping[str, str], name: str, default: float, *, where: str) -> float:
    """An option that is a number of seconds.

    Raises:
        PortError: It is none, or more than a day: no wait goes on for ever.
    """
    text = options.get(name, "")
    try:
        found = float(text or default)
    except ValueError:
        found = -1.0
    if not 0 <= found <= MOST_S:
        said = f"option {name} is no number of seconds from 0 to {MOST_S:.0f}: {text[:40]!r}"
        raise PortError(said, reason="invalid", where=where)
    return found
