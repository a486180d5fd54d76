"""The learning site: courses for staff, with exercises on figures that it fetches from the open-data site."""

import http.client
import json
import threading
import time
from collections.abc import Callable

from room_service import (  # type: ignore[import-not-found]  # lies beside it at the lab host
    Answer,
    as_json,
    main,
    own_address,
)

COURSES = ("Keeping records", "Open data for beginners", "Safe passwords")


class Figures:
    """The open-data catalogue, fetched over one kept connection from this host's own address."""

    def __init__(self) -> None:
        """Start fetching."""
        self.datasets = 0
        threading.Thread(target=self._keep, daemon=True).start()

    def _keep(self) -> None:
        while True:
            connection = http.client.HTTPConnection("opendata", 8080, timeout=5, source_address=(own_address(), 0))
            try:
                while True:
                    connection.request("GET", "/catalogue.json")
                    self.datasets = len(json.loads(connection.getresponse().read())["datasets"])
                    time.sleep(2)
            except (OSError, http.client.HTTPException, ValueError, KeyError):
                time.sleep(0.2)
            finally:
                connection.close()


def make() -> Callable[[str, str], Answer]:
    """The application."""
    figures = Figures()

    def answer(method: str, path: str) -> Answer:
        if (method, path) == ("GET", "/health"):
            return as_json(200, {"courses": len(COURSES), "datasets": figures.datasets})
        if (method, path) == ("GET", "/"):
            return (
                200,
                "text/html",
                "<!doctype html><title>Sample courses</title>" + "".join(f"<p>{c}" for c in COURSES),
            )
        return as_json(404, {"error": "not found"})

    return answer


if __name__ == "__main__":
    main("learning", 8080, make)
