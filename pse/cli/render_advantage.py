"""Views beside the bill: the most advantageous places by score, and the old room against the plan."""

from collections import Counter
from typing import TYPE_CHECKING

from pse.cli.render_plan import READABLE, head
from pse.cli.view import Grid, View
from pse.core.text import counted

if TYPE_CHECKING:
    from blueprints.comparing.room import Ownership
    from blueprints.comparing.scoring import Scored
    from pse.cli.session import Session
    from pse.core.comparing import CompareSettings
    from pse.core.documents.plan import Plan


def score_of_plan(session: "Session", plan: "Plan") -> View:
    """The scores of a plan's places, by the workspace's weights."""
    from blueprints.comparing.scoring import scored

    settings = session.workspace.settings
    return score_view(
        plan, scored(plan, settings.compare, horizon_months=settings.plan.horizon_months), settings.compare
    )


def room_of_plan(session: "Session", plan: "Plan") -> View:
    """The workspace's room against a plan."""
    from blueprints.comparing.room import ownership
    from pse.core.documents.room import load_room

    room = load_room(session.workspace)
    return room_view(plan, ownership(plan, room, horizon_months=session.workspace.settings.plan.horizon_months))


def score_view(plan: "Plan", found: "tuple[Scored, ...]", settings: "CompareSettings") -> View:
    """How often each place is cheapest and most advantageous, then each workload's places with their parts."""
    weights = ", ".join(f"{name} {weight}" for name, weight in sorted(settings.weights.items()))
    best = Counter(one.scores[0].place for one in found)
    cheapest = Counter(one.cheapest for one in found)
    chosen = Counter(one.chosen for one in found)
    places = sorted({score.place for one in found for score in one.scores})
    totals = Grid(
        "Places",
        ("place", ">cheapest for", ">most advantageous for", ">planned"),
        tuple((place, str(cheapest[place]), str(best[place]), str(chosen[place])) for place in places),
    )
    left = len(found) - READABLE
    more = (f"and {counted(left, 'more workload')}; --json has all",) if left > 0 else ()
    data = {"plan": plan.hash, "currency": plan.currency, "weights": settings.weights, "items": found}
    said = f"weights: {weights}; planning itself takes the cheapest allowed place"
    return View(data, (*head(plan), said, totals, *(_scores(one, settings) for one in found[:READABLE]), *more))


def _scores(one: "Scored", settings: "CompareSettings") -> Grid:
    names = sorted(settings.weights)
    rows = [
        (
            f"{'→ ' if score.place == one.chosen else '  '}{score.place}",
            str(score.score),
            *(f"{score.parts[name]} no mark" if name in score.unmarked else str(score.parts[name]) for name in names),
            "cheapest" if score.place == one.cheapest else "",
        )
        for score in one.scores
    ]
    return Grid(one.workload, ("place", ">score", *(f">{name}" for name in names), ""), tuple(rows))


def room_view(plan: "Plan", found: "Ownership") -> View:
    """The room's lines, then both ways over the horizon."""
    rows = tuple(
        (
            line.name,
            "no figure" if line.today is None else f"{line.today:,}",
            "no figure" if line.after is None else f"{line.after:,}",
            "; ".join(
                (line.how, *line.defaults, *(("not given: " + ", ".join(line.missing),) if line.missing else ()))
            ),
        )
        for line in found.lines
    )
    lacking = [counted(found.no_figure, "line") + " of the room without a figure"] if found.no_figure else []
    lacking += [counted(found.plan.no_price, "line") + " of the plan without a price"] if found.plan.no_price else []
    even = "a month is no cheaper" if found.even_after is None else f"even after {counted(found.even_after, 'month')}"
    stay, move = f"{found.stay:,.2f}", f"{found.move:,.2f}"
    if lacking:
        even, move = f"by what is known, {even}", f"at least {move}"
    if found.no_figure:
        even, stay = (even, f"at least {stay}") if found.today else ("nobody can say whether it pays", "not known")
    blocks = (
        *head(plan),
        f"figures of the room: {found.source or 'nobody is named who gave them'}",
        Grid(f"The old room, {found.currency} a month", ("for", ">today", ">what stays", "how"), rows),
        f"{found.staying} of {counted(found.servers, 'server')} stay in the room.",
        f"Over {counted(found.months, 'month')}, {found.currency}: staying {stay}, moving {move}.",
        f"Once: {found.plan.one_time:,} {found.currency}; {even}.",
        *((f"In neither sum: {' and '.join(lacking)}.",) if lacking else ()),
    )
    return View({"plan": plan.hash, "room": found, "items": found.lines}, blocks)
