"""A name server that goes silent in the switch, and a rollback that is killed: nothing that was paid is lost."""

import pytest

import migrate
from migrate.dns import Dns
from pse.core.documents.campaign import MoveState
from pse.core.errors import Refused, RemoteError
from tests.migrate.test_migrate_ministry import Ministry, ministry, one

__all__ = ["ministry"]
pytestmark = pytest.mark.timeout(900)


def test_a_lost_answer_of_the_name_server_loses_no_payment(ministry: Ministry, monkeypatch: pytest.MonkeyPatch) -> None:
    """The switch took place, its answer was lost, and nothing is known of the record for a while."""
    workspace, bundle = ministry.workspace, ministry.bundle
    before = ministry.count()
    swap, lookup = Dns.swap, Dns.lookup
    silent = []

    def lost(self: Dns, name: str, *, old: str, new: str, ttl: int) -> None:
        swap(self, name, old=old, new=new, ttl=ttl)
        if old != new:
            silent.append(name)
            raise RemoteError("no answer", where="dns")

    def dark(self: Dns, name: str) -> tuple[str, int]:
        if silent:
            raise RemoteError("no answer", where="dns")
        return lookup(self, name)

    monkeypatch.setattr(Dns, "swap", lost)
    monkeypatch.setattr(Dns, "lookup", dark)
    stuck = migrate.run(workspace, bundle, workloads=["portal"])
    monkeypatch.undo()
    assert one(stuck, "portal") is MoveState.SWITCHED
    assert {finding.code for finding in stuck.findings if finding.subject == "portal"} == {"PSE-M002"}
    paid = [ministry.pay() for _ in range(3)]
    assert ministry.count() == before + 3
    back = migrate.rollback(workspace, bundle, "portal")
    assert one(back, "portal") is MoveState.ROLLED_BACK
    assert ministry.count() == before + 3
    assert ministry.pay() > max(paid)
    again = migrate.run(workspace, bundle, workloads=["portal"])
    assert one(again, "portal") is MoveState.VERIFIED
    assert ministry.count() == before + 4


def test_a_rollback_killed_half_way_is_said_and_goes_first(ministry: Ministry) -> None:
    workspace, bundle = ministry.workspace, ministry.bundle
    ministry.kill_at("portal switch-back start", "back", "portal")
    said = migrate.status(workspace, bundle)
    assert said is not None
    assert "PSE-M008" in {finding.code for finding in said.findings if finding.subject == "portal"}
    with pytest.raises(Refused, match="interrupted half-way"):
        migrate.run(workspace, bundle, workloads=["portal"])
    with pytest.raises(Refused, match="interrupted half-way"):
        migrate.cleanup(workspace, bundle, workloads=["portal"])
    assert one(migrate.rollback(workspace, bundle, "portal"), "portal") is MoveState.ROLLED_BACK
    assert one(migrate.run(workspace, bundle, workloads=["portal"]), "portal") is MoveState.VERIFIED
