"""What was done and what was refused as a whole is in the ledger, or it is said that it is not."""

import pytest

from policy.deeds import note, noting_refusal
from policy.ledger import Ledger
from pse.core.errors import BadInput, Refused
from pse.core.progress import Event
from pse.core.settings import Workspace


def test_without_the_key_the_work_goes_on_and_it_is_said_loudly(house: Workspace) -> None:
    said: list[Event] = []

    def hear(event: Event) -> None:
        said.append(event)

    (house.private / "signing_key").unlink()
    assert note(house, "up", {"unit": "portal"}, hear) is False
    (event,) = said
    assert (event.state, event.subject) == ("failed", "portal")
    assert "this up is NOT in the ledger: the ledger cannot be signed" in event.message
    assert Ledger(house).entries() == ()


def test_a_refused_command_is_an_entry_each_time_and_stays_refused(house: Workspace) -> None:
    for _ in range(2):
        with pytest.raises(Refused, match="users are on it"), noting_refusal(house, "destroy", {"units": ["portal"]}):
            raise Refused("users are on it", where=f"{house.root}/plans/p/plan.json")
    with pytest.raises(BadInput), noting_refusal(house, "destroy", {"units": ["portal"]}):
        raise BadInput("no such file")
    entries = Ledger(house).entries()
    assert [entry.kind for entry in entries] == ["refused", "refused"]
    assert entries[0].data == {
        "verb": "destroy",
        "units": ["portal"],
        "where": "plans/p/plan.json",
        "why": "users are on it",
    }
