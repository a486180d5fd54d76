"""What was looked at as JUnit's XML, which every pipeline shows as tests."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement, indent, tostring  # written only, nothing is parsed

from pse.core.findings import Severity
from pse.core.text import printable

if TYPE_CHECKING:
    from pse.core.findings import Finding

_NO_XML = re.compile("[\ufffe\uffff]")


@dataclass(frozen=True)
class Case:
    """One thing that was looked at.

    Attributes:
        name: What; unique in its suite.
        failures: Why it is not well; empty when it is.
        notes: What else was found.
        skipped: Why nobody looked; empty when somebody did.
    """

    name: str
    failures: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    skipped: str = ""


@dataclass(frozen=True)
class Suite:
    """Cases of one step."""

    name: str
    cases: tuple[Case, ...]


def suite_of(name: str, findings: "Iterable[Finding]", subjects: Iterable[str] = ()) -> Suite:
    """A case for each of ``subjects`` and whatever else there are findings of; an error fails its case."""
    found: dict[str, list[Finding]] = {subject: [] for subject in subjects}
    for finding in sorted(set(findings)):
        found.setdefault(finding.subject, []).append(finding)
    return Suite(name, tuple(_case(subject, about) for subject, about in sorted(found.items())))


def _case(subject: str, found: "Sequence[Finding]") -> Case:
    words = [
        (f.severity is Severity.ERROR, f"{f.code} {f.message}" + (f". {f.remedy}" if f.remedy else "")) for f in found
    ]
    return Case(subject, tuple(w for error, w in words if error), tuple(w for error, w in words if not error))


def junit(suites: Iterable[Suite]) -> bytes:
    """The suites as one document; no clock is in it, so times are left out."""
    root = Element("testsuites", name="pse")
    for suite in suites:
        counts: dict[str, object] = {
            "tests": len(suite.cases),
            "failures": sum(bool(case.failures) for case in suite.cases),
            "skipped": sum(bool(case.skipped) for case in suite.cases),
            "errors": 0,
        }
        node = SubElement(root, "testsuite", {"name": _safe(suite.name)} | {k: str(v) for k, v in counts.items()})
        for case in suite.cases:
            _add(node, f"pse.{suite.name}", case)
    indent(root, " ")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(root, encoding="unicode").encode() + b"\n"


def _add(node: Element, group: str, case: Case) -> None:
    child = SubElement(node, "testcase", classname=_safe(group), name=_safe(case.name))
    if case.skipped:
        SubElement(child, "skipped", message=_safe(case.skipped))
    if case.failures:
        failure = SubElement(child, "failure", message=_safe(case.failures[0]), type="finding")
        failure.text = "\n".join(_safe(words) for words in case.failures)
    if case.notes:
        SubElement(child, "system-out").text = "\n".join(_safe(words) for words in case.notes)


def _safe(text: str) -> str:
    return _NO_XML.sub("�", printable(text))
