"""Views of the rules: the list, their cases, and why a place is allowed or refused."""

import datetime as dt
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

import msgspec

from pse.cli.view import Grid, View, grid
from pse.core.text import counted, printable

if TYPE_CHECKING:
    from policy.clues import Clue
    from policy.explain import Explanation, PlaceAnswer
    from policy.rulebook import Rule, Rules
    from pse.core.findings import Finding


def rules_view(rules: "Rules", day: dt.date) -> View:
    """All rules, and which are in force on ``day``."""
    items = [
        {
            **{name: value for name, value in msgspec.structs.asdict(rule).items() if name not in {"good", "bad"}},
            "in_force": rule.holds(day),
            "cases": len(rule.good) + len(rule.bad),
        }
        for rule in rules.all
    ]
    blocks = (
        f"Rules on {day}, SHA-256 {rules.hash}",
        *(
            line
            for rule in rules.all
            for line in _words(
                rule.id, rule.text, f"{_dates(rule, day)}; {_waivable(rule)}", f"{rule.clause}; {rule.cited}"
            )
        ),
        rules.notice,
    )
    return View({"as_of": day, "hash": rules.hash, "notice": rules.notice, "items": items}, blocks)


def cases_view(rules: "Rules", clues: "tuple[Clue, ...]", failures: "tuple[Finding, ...]") -> View:
    """How many cases came out as their rules and clues say, and which did not."""
    total = sum(len(rule.good) + len(rule.bad) for rule in rules.all)
    total += sum(len(clue.good) + len(clue.bad) for clue in clues)
    failed = sum(finding.code in {"PSE-R106", "PSE-R112"} for finding in failures)
    words = (counted(len(rules.all), "rule"), counted(len(clues), "clue"), counted(total, "case"), f"{failed} failed")
    line = ", ".join(words)
    data = {"rules": len(rules.all), "clues": len(clues), "cases": total, "failed": failed, "hash": rules.hash}
    return View(data, (line,), failures)


def explanation_view(found: "Explanation", pattern: str) -> View:
    """Every place that fits ``pattern``, and what each rule says of it."""
    places = [place for place in found.places if fnmatchcase(place.verdict.place, pattern)]
    what = found.category.value if found.category else "unclassified"
    subject = f"{found.workload} is {what}" if found.workload else f"Data of category {what}"
    head = [f"{subject}, on {found.as_of}. {counted(_allowed(places), 'place')} of {len(places)} may hold it."]
    if found.demanded:
        fits = any(place.verdict.allowed for place in found.places if place.verdict.place == found.demanded)
        head.append(
            f"It is to go to {printable(found.demanded)} and nowhere else, which is {'allowed' if fits else 'refused'}."
        )
    if found.nocs:
        head.append(f"NOCs that cover it: {', '.join(found.nocs)}")
    if found.sample:
        head.append("SAMPLE: the register's entries are invented.")
    data = {
        **{name: value for name, value in msgspec.structs.asdict(found).items() if name != "places"},
        "items": [
            {
                "place": place.verdict.place,
                "allowed": place.verdict.allowed,
                "until": place.verdict.until,
                "nocs": place.verdict.nocs,
                "rules": place.rules,
            }
            for place in places
        ],
    }
    used = {answer.rule: answer for place in places for answer in place.rules}
    rules = [
        line
        for name, answer in sorted(used.items())
        for line in _words(name, answer.text, f"{answer.clause}; {answer.source}")
    ]
    return View(data, (*head, *(_place(place) for place in places), "The rules:", *rules, found.notice))


def _allowed(places: "list[PlaceAnswer]") -> int:
    return sum(place.verdict.allowed for place in places)


def _place(place: "PlaceAnswer") -> Grid:
    verdict = place.verdict
    title = f"{verdict.place}: {'allowed' if verdict.allowed else 'refused'}"
    title += f" until {verdict.until}" if verdict.until else ""
    rows = ((answer.rule, answer.says.value, answer.here) for answer in place.rules)
    return grid(title, "rule|here it|because", rows)


def _words(name: str, text: str, *more: str) -> tuple[str, ...]:
    """A rule as a paragraph: what it rests on is too long for a column."""
    return (f"{name}  {text}", *(f"    {line}" for line in more))


def _dates(rule: "Rule", day: dt.date) -> str:
    if rule.valid_from is None and rule.valid_to is None:
        return "always in force"
    span = f"{rule.valid_from or '…'} to {rule.valid_to or '…'}"
    return f"in force, {span}" if rule.holds(day) else f"not in force: {span}"


def _waivable(rule: "Rule") -> str:
    return "a NOC may lift it" if rule.waivable else "no NOC lifts it"
