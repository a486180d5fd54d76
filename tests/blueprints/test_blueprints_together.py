"""Many at once, and one answer that says what stands."""

import pytest

from blueprints.building.together import together
from pse.core.errors import Incomplete, PseError, RemoteError, UsageError


def failing(error: PseError) -> str:
    raise error


def test_hint_names_what_stands_and_nothing_where_nothing_does() -> None:
    two = {"a": UsageError("no", hint="Do this."), "b": RemoteError("gone")}
    with pytest.raises(Incomplete) as caught:
        together(two, failing, ())
    assert caught.value.hint == "Correct what failed and run it again. Do this."
    with pytest.raises(Incomplete) as caught:
        together(two, failing, ("landing",))
    assert caught.value.hint.startswith("Done: landing. Correct")


def test_who_only_looks_is_told_the_one_error_and_not_that_the_rest_is_done() -> None:
    wrong = UsageError("no", hint="Do this.")

    def look(error: PseError | None) -> str:
        return failing(error) if error else "fine"

    with pytest.raises(UsageError) as caught:
        together({"a": wrong, "b": None}, look, (), effects=False)
    assert caught.value is wrong
    with pytest.raises(Incomplete):
        together({"a": wrong, "b": None}, look, ())
