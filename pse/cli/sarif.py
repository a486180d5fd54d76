"""Findings as SARIF 2.1.0 (OASIS), which code hosts show beside the lines of a merge request."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import quote

from pse import __version__
from pse.cli.meanings import meanings
from pse.cli.spots import Spots
from pse.core.findings import Finding, Severity
from pse.core.text import printable

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_BRACKET = re.compile(r"(\\*)([\[\]])")
_LEVELS = {Severity.INFO: "note", Severity.WARNING: "warning", Severity.ERROR: "error"}


def sarif(findings: Iterable[Finding], spots: Spots, *, about: str) -> dict[str, Any]:
    """One run with a rule for each code and a result for each finding, at the line of the workspace that it is about.

    Args:
        findings: In any order; the same ones give the same log.
        spots: Of the workspace.
        about: What was looked at, such as ``ci``: logs of one kind replace each other where they are shown.
    """
    found = sorted(set(findings))
    by_code: dict[str, list[Finding]] = {}
    for finding in found:
        by_code.setdefault(finding.code, []).append(finding)
    index = {code: number for number, code in enumerate(by_code)}
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "pse",
                        "version": __version__,
                        "rules": [_rule(code, of_code) for code, of_code in by_code.items()],
                    }
                },
                "automationDetails": {"id": f"pse/{about}/"},
                "columnKind": "unicodeCodePoints",
                "results": [_result(finding, index[finding.code], spots) for finding in found],
            }
        ],
    }


def _rule(code: str, found: Sequence[Finding]) -> dict[str, Any]:
    """What the tables of findings say of the code; an own rule of a workspace stands in none, and speaks for itself."""
    meaning, remedy = meanings().get(code, (found[0].source or code, found[0].remedy))
    worst = max((finding.severity for finding in found), key=lambda severity: severity.rank)
    return {
        "id": code,
        "shortDescription": {"text": _text(meaning)},
        "help": {"text": _text(remedy or meaning), "markdown": printable(remedy or meaning)},
        "defaultConfiguration": {"level": _LEVELS[worst]},
    }


def _result(finding: Finding, index: int, spots: Spots) -> dict[str, Any]:
    spot = spots.of(finding.subject, finding.source, finding.message)
    words = f"{finding.subject}: {finding.message}" + (f". {finding.remedy}" if finding.remedy else "")
    same = hashlib.sha256(f"{finding.code}\n{finding.subject}\n{finding.message}".encode("utf-8", "replace"))
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": _LEVELS[finding.severity],
        "message": {"text": _text(words)},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": quote(spot.file), "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": spot.line},
                }
            }
        ],
        "partialFingerprints": {"pseFinding/v1": same.hexdigest()},
        "properties": {"subject": printable(finding.subject), "source": printable(finding.source)},
    }


def _text(text: str) -> str:
    """``text`` as a plain message: brackets would be links and braces placeholders (SARIF 2.1.0, 3.11.5 and 3.11.6)."""
    safe = _BRACKET.sub(lambda match: f"{match[1]}{match[1]}\\{match[2]}", printable(text))
    return safe.replace("{", "{{").replace("}", "}}")
