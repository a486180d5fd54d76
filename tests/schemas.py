"""Formats of other tools as JSON Schema, written down for the tests from what their publishers say of them.

Infracost: ``schema/infracost.schema.json`` of its public repository, as of commit ``cffbc23d``: every object is closed,
so that a field which is not in it is as wrong as one that is missing.

SARIF: OASIS's standard 2.1.0, the objects that we write, closed as in its own schema, with what it requires of each,
and what code hosts ask for beside it (a rule's description and help, a result's level, place and fingerprint).
"""

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
FLAG: Schema = {"type": "boolean"}
DAY: Schema = {"type": "string", "format": "date-time"}
AMOUNT: Schema = {"type": ["string", "null"], "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}
FREE: Schema = {"type": "object"}


def many(item: Schema) -> Schema:
    """A list of ``item``."""
    return {"type": "array", "items": item}


def by_name(value: Schema) -> Schema:
    """An object with any keys."""
    return {"type": "object", "additionalProperties": value}


def closed(must: dict[str, Schema], may: dict[str, Schema] | None = None) -> Schema:
    """An object with the keys of ``must``, perhaps those of ``may``, and no other."""
    return {
        "type": "object",
        "required": sorted(must),
        "properties": {**must, **(may or {})},
        "additionalProperties": False,
    }


def of(kind: Schema, *names: str) -> dict[str, Schema]:
    """``names`` that are all of one kind."""
    return dict.fromkeys(names, kind)


_COMPONENT = closed(
    of(TEXT, "name", "unit")
    | of(AMOUNT, "hourlyQuantity", "monthlyQuantity", "price", "hourlyCost", "monthlyCost")
    | of(FLAG, "priceNotFound"),
    of(FLAG, "usageBased"),
)
_RESOURCE = closed(
    {"name": TEXT, "metadata": FREE},
    of(TEXT, "resourceType", "providerLink")
    | of(AMOUNT, "hourlyCost", "monthlyCost", "monthlyUsageCost")
    | of(by_name(TEXT), "tags", "defaultTags")
    | {"costComponents": many(_COMPONENT), "subresources": many(FREE), "providerSupportsDefaultTags": FLAG},
)
_BREAKDOWN = closed(
    {"resources": many(_RESOURCE)} | of(AMOUNT, "totalHourlyCost", "totalMonthlyCost", "totalMonthlyUsageCost"),
    {"freeResources": many(_RESOURCE)},
)
_SUMMARY = closed(
    {},
    of(
        WHOLE,
        "totalResources",
        "totalDetectedResources",
        "totalSupportedResources",
        "totalUnsupportedResources",
        "totalUsageBasedResources",
        "totalNoPriceResources",
    )
    | of(by_name(WHOLE), "supportedResourceCounts", "unsupportedResourceCounts", "noPriceResourceCounts"),
)
_COMMIT = ("vcsBranch", "vcsCommitSha", "vcsCommitAuthorName", "vcsCommitAuthorEmail", "vcsCommitMessage")
INFRACOST = closed(
    {
        **of(TEXT, "version", "currency"),
        "metadata": closed(of(TEXT, "infracostCommand", *_COMMIT) | {"vcsCommitTimestamp": DAY}),
        "projects": many(
            closed(
                of(TEXT, "name", "displayName")
                | of(_BREAKDOWN, "pastBreakdown", "breakdown", "diff")
                | {"metadata": closed(of(TEXT, "path", "type")), "summary": _SUMMARY}
            )
        ),
        **of(
            AMOUNT,
            "totalHourlyCost",
            "totalMonthlyCost",
            "pastTotalHourlyCost",
            "pastTotalMonthlyCost",
            "diffTotalHourlyCost",
            "diffTotalMonthlyCost",
        ),
        "timeGenerated": DAY,
        "summary": _SUMMARY,
    },
    of(AMOUNT, "totalMonthlyUsageCost", "pastTotalMonthlyUsageCost", "diffTotalMonthlyUsageCost"),
)

_MESSAGE = closed({"text": {"type": "string", "minLength": 1}}, {"markdown": TEXT})
_LEVEL: Schema = {"enum": ["none", "note", "warning", "error"]}
_LINE = {"type": "integer", "minimum": 1}
_SPOT = closed(
    {
        "physicalLocation": closed(
            {
                "artifactLocation": closed(
                    {"uri": {"type": "string", "pattern": "^[^/ \\\\]"}}, {"uriBaseId": {"const": "%SRCROOT%"}}
                ),
                "region": closed({"startLine": _LINE}),
            }
        )
    }
)
SARIF = closed(
    {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": many(
            closed(
                {
                    "tool": closed(
                        {
                            "driver": closed(
                                {
                                    **of(TEXT, "name", "version"),
                                    "rules": many(
                                        closed(
                                            {"id": TEXT}
                                            | of(_MESSAGE, "shortDescription", "help")
                                            | {"defaultConfiguration": closed({"level": _LEVEL})}
                                        )
                                    ),
                                }
                            )
                        }
                    ),
                    "automationDetails": closed({"id": {"type": "string", "pattern": "^pse/[a-z-]+/$"}}),
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": many(
                        closed(
                            {
                                "ruleId": TEXT,
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": _LEVEL,
                                "message": _MESSAGE,
                                "locations": {**many(_SPOT), "minItems": 1, "maxItems": 1},
                                "partialFingerprints": by_name(TEXT),
                                "properties": FREE,
                            }
                        )
                    ),
                }
            )
        ),
    }
)


def valid(value: object, schema: Schema) -> None:
    """Fail when ``value`` is not as ``schema`` says."""
    from jsonschema import Draft202012Validator

    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(value)
