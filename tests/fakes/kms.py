"""What KMS does and moto does not, as a layer of the hostile proxy: days between rotations, and keys on their way out.

Written after the KMS API reference. Not checked: key policies, grants, how long anything takes.
"""

import json
from typing import Any

from tests.fakes.hostile import Answer, Forward, Request


def error(code: str, message: str, *, status: int = 400) -> Answer:
    """An error as KMS writes it."""
    body = json.dumps({"__type": code, "message": message})
    return Answer(status, body.encode(), {"Content-Type": "application/x-amz-json-1.1"})


class Rotations:
    """EnableKeyRotation takes 90 to 2560 days, keeps them, and tells them."""

    def __init__(self) -> None:
        """No key is known."""
        self._days: dict[str, int] = {}

    def __call__(self, request: Request, forward: Forward) -> Answer:
        """Keep the days, or tell them."""
        if request.service != "kms" or request.action not in {"EnableKeyRotation", "GetKeyRotationStatus"}:
            return forward(request)
        asked: dict[str, Any] = json.loads(request.body)
        if request.action == "EnableKeyRotation":
            days = asked.get("RotationPeriodInDays", 365)
            if not 90 <= days <= 2560:
                return error("ValidationException", "RotationPeriodInDays is from 90 to 2560")
            answer = forward(request)
            if answer.status == 200:
                self._days[asked["KeyId"]] = days
            return answer
        answer = forward(request)
        if answer.status != 200:
            return answer
        said = json.loads(answer.body)
        if said["KeyRotationEnabled"]:
            said["RotationPeriodInDays"] = self._days.get(asked["KeyId"], 365)
        return Answer(200, json.dumps(said).encode(), answer.headers)
