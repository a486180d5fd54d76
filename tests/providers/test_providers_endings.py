"""What a person is told to do after an operation of the engine that failed."""

import pytest

from providers.driving.endings import hint_after, last_line
from providers.plugin.faults import text_of
from providers.ports import PortError

AGAIN = "Run the same command again"


@pytest.mark.parametrize(("reason", "again"), [("invalid", False), ("quota", True), ("transient", True)])
def test_what_a_cloud_calls_invalid_is_never_to_be_run_again_as_it_is(reason: str, again: bool) -> None:
    said = text_of(PortError("no image 'rhel-8'", reason=reason))
    hint = hint_after(RuntimeError("code: 255"), ["something else", said], begun=True)
    assert hint.startswith(AGAIN) is again
    assert "correct the price book" in hint or again


@pytest.mark.parametrize("password", ["hush", "hu/sh", "hu@sh", "hu:sh?"])
def test_the_last_words_never_show_the_password_of_an_address(password: str) -> None:
    said = last_line(RuntimeError(f'error: could not open "postgres://u:{password}@127.0.0.1:1/db": refused'))
    assert said == 'could not open "postgres://***@127.0.0.1:1/db": refused'
