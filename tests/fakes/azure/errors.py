"""Errors as ARM gives them."""

import json


class ArmError(Exception):
    """An answer that is an error.

    Args:
        status: HTTP status.
        code: ARM's or the resource provider's code.
        message: In words.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.status = status
        self.code = code
        self.message = message

    @property
    def body(self) -> bytes:
        return json.dumps({"error": {"code": self.code, "message": self.message}}).encode()


def not_found(kind: str, name: str, group: str) -> ArmError:
    said = f"The Resource '{kind}/{name}' under resource group '{group}' was not found."
    return ArmError(404, "ResourceNotFound", said)


def invalid(message: str, code: str = "InvalidParameter", status: int = 400) -> ArmError:
    return ArmError(status, code, message)
