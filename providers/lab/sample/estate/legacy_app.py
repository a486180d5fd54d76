"""The pension ledger's terminal service: what an old program still answers on its port."""

from collections.abc import Callable

from room_service import Answer, as_json, main  # type: ignore[import-not-found]  # lies beside it at the lab host


def make() -> Callable[[str, str], Answer]:
    """The application."""

    def answer(method: str, path: str) -> Answer:
        if (method, path) == ("GET", "/health"):
            return as_json(200, {"ledger": "open"})
        return as_json(404, {"error": "not found"})

    return answer


if __name__ == "__main__":
    main("legacy", 8080, make)
