"""How two ends of a database are compared, whatever server they are on: never equal on nothing."""

from collections.abc import Mapping

from migrate.verify import postgresql_shape as shape
from pse.core.canonical import digest
from pse.core.documents.campaign import CheckResult
from pse.core.text import printable

ABOUT_ROLES = ("role ", "password of ", "membership ", "setting of role ", "grant ")
"""Beginnings of objects that are of a server's accounts, not of a database."""


def of_shapes(subject: str, mine: shape.Shape, theirs: shape.Shape, passed: Mapping[str, str]) -> list[CheckResult]:
    """One result for the shape and, where there are any, one for roles."""
    results = []
    for part, roles in (("shape", False), ("roles", True)):
        left, right = (
            {name: text for name, text in side.items() if name.startswith(ABOUT_ROLES) is roles}
            for side in (mine, theirs)
        )
        names = shape.unlike(left, right, passed)
        if left or not roles:
            results.append(
                CheckResult(
                    subject=f"{subject} {part}",
                    method="catalog",
                    source=hashed(left),
                    # What passed is shown as the source has it: the hashes of equal ends are equal.
                    target=hashed(right if names else left),
                    items=min(len(left), len(right)),
                    equal=not names and len(left) > 0,
                    detail=shape.say(names, left, right) or ("" if left else "there is nothing to compare"),
                )
            )
    return results


def of_tables(
    subject: str,
    mine: Mapping[str, str],
    theirs: Mapping[str, str],
    *,
    filled: int,
    methods: Mapping[str, str] | None = None,
) -> list[CheckResult]:
    """One result for the list of tables and one for each table with rows.

    Args:
        subject: What is compared.
        mine: Of each table its row count and whatever hash of its rows, separated by a space.
        theirs: The same at the other end.
        filled: Tables that held rows before anything was moved: two empty ends are not equal then.
        methods: How tables were read, where that is not the usual way.
    """
    results = [
        of_names(
            f"{subject} tables",
            "names and row counts",
            {name: text.split()[0] for name, text in mine.items()},
            {name: text.split()[0] for name, text in theirs.items()},
        )
    ]
    if filled and all(text.split()[0] == "0" for text in mine.values()):
        results.append(
            CheckResult(
                subject=f"{subject} rows",
                method="rows noted before the move",
                source="0 0",
                target="0 0",
                items=0,
                equal=False,
                detail=f"{filled} tables had rows before the move, and none has now",
            )
        )
    for name in sorted(mine.keys() | theirs.keys()):
        left, right = mine.get(name, "0 0"), theirs.get(name, "0 0")
        if left == right == "0 0":
            continue  # an empty table is held by the list of tables; here nothing would be compared
        results.append(
            CheckResult(
                subject=f"{subject} {printable(name)}",
                method=(methods or {}).get(name, "row count and md5 sum"),
                source=left,
                target=right,
                items=min(int(left.split()[0]), int(right.split()[0])),
                equal=left == right and int(left.split()[0]) > 0,
                detail="" if left == right else "rows differ",
            )
        )
    return results


def of_names(subject: str, method: str, mine: Mapping[str, str], theirs: Mapping[str, str]) -> CheckResult:
    """One result for a number of named texts."""
    unlike = sorted(name for name in mine.keys() | theirs.keys() if mine.get(name) != theirs.get(name))
    shown = "; ".join(
        " and ".join(f"{printable(name)}: {printable(side.get(name, 'missing'))[:80]}" for side in (mine, theirs))
        for name in unlike[:5]
    )
    return CheckResult(
        subject=subject,
        method=method,
        source=hashed(mine),
        target=hashed(theirs),
        items=min(len(mine), len(theirs)),
        equal=not unlike and len(mine) > 0,
        detail=shown or ("there is nothing to compare" if not mine else ""),
    )


def hashed(found: Mapping[str, str]) -> str:
    """A digest of named texts."""
    return digest("".join(f"{name}\n{found[name]}\n" for name in sorted(found)).encode("utf-8", "surrogateescape"))
