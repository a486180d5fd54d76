"""Provisioning through the real engine and the lab: built once, looked at from the inside, and idempotent."""

import subprocess

import msgspec
import pytest

from blueprints.building.auditing import audit_units
from blueprints.building.provision import adopt, choose, destroy, ensure, preview, up
from blueprints.names import landing_id
from blueprints.planning.bundle import Bundle
from policy import Ledger
from policy.register import sign_register
from providers.engine import Engine
from providers.places import Places
from pse.core.documents.deployment import BuiltServer
from pse.core.documents.plan import Unit
from pse.core.errors import Refused, UsageError
from pse.core.progress import Event, silent
from pse.core.settings import Workspace
from tests.blueprints.conftest import Built
from tests.blueprints.estates import ABROAD, IN_COUNTRY

LANDING = landing_id(IN_COUNTRY)


def ask(built: Built, name: str, command: str) -> str:
    found: BuiltServer = next(s for s in built.deployments["portal"].servers if s.name == name)
    pins = built.workspace.private / "test_known_hosts"
    pins.write_text(f"[{found.address}]:{found.ssh_port} {' '.join(found.host_key.split()[:2])}\n")
    line = ["ssh", "-F", "none", "-o", "BatchMode=yes", "-o", f"UserKnownHostsFile={pins}", "-o", "IdentitiesOnly=yes"]
    line += [
        "-i",
        str(built.workspace.private / "ssh_key"),
        "-p",
        str(found.ssh_port),
        f"{found.ssh_user}@{found.address}",
    ]
    done = subprocess.run([*line, command], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def sql(built: Built, statement: str) -> str:
    return ask(built, "payments", f"psql -h /var/run/postgresql -U postgres -Atc '{statement}'")


def test_the_plan_stands_as_planned(built: Built) -> None:
    assert set(built.deployments) == {LANDING, "portal"}
    portal = built.deployments["portal"]
    assert portal.plan == built.bundle.plan.hash
    assert portal.unit_hash == built.bundle.plan.units["portal"]
    assert [s.name for s in portal.servers] == ["payments", "portal"]
    assert set(built.deployments[LANDING].outputs) == {"network", "subnet", "key_pair"}


def test_the_new_database_waits_for_the_data(built: Built) -> None:
    address = built.deployments["portal"].servers[0].address
    assert sql(built, "show wal_level") == "logical"
    assert sql(built, "show listen_addresses") == address
    assert sql(built, "show data_directory") == "/var/lib/postgresql/pse"
    assert sql(built, "select usesuper from pg_user where usename = current_user") == "t"
    hba = sql(built, "select type || auth_method from pg_hba_file_rules order by 1")
    assert set(hba.split()) == {"hostscram-sha-256", "localtrust"}


def test_the_front_knows_its_database_by_name(built: Built) -> None:
    assert ask(built, "portal", "getent hosts payments").split()[0] == built.deployments["portal"].servers[0].address


def test_the_boot_script_may_run_again(built: Built) -> None:
    before = sql(built, "select pg_postmaster_start_time()")
    for name in ("payments", "portal"):
        hosts = ask(built, name, "cat /etc/hosts")
        assert ask(built, name, "/etc/pse/boot && cat /etc/hosts") == hosts
    assert sql(built, "select pg_postmaster_start_time()") == before


def test_the_database_comes_back_after_a_hard_stop(built: Built) -> None:
    sql(built, "create table if not exists kept as select 42 as n")
    pid = "/var/lib/postgresql/pse/postmaster.pid"
    gone = "for i in $(seq 200); do pgrep -x postgres >/dev/null || exit 0; sleep 0.05; done; exit 1"
    # After a power cut the pid may belong to somebody else, and /run is empty.
    ask(built, "payments", f"kill -9 $(head -n 1 {pid}); rm -f /var/run/postgresql/.s.*; sed -i 1s/.*/1/ {pid}; {gone}")
    ask(built, "payments", "/etc/pse/boot")
    assert sql(built, "select n from kept") == "42"


def test_a_second_up_does_nothing_and_preview_agrees(built: Built) -> None:
    events: list[Event] = []

    def note(event: Event) -> None:
        events.append(event)

    again = up(built.workspace, built.bundle, units=("portal",), progress=note)
    assert {d.stack: d for d in again} == built.deployments
    assert not [e for e in events if "create" in e.message]
    for offline in (True, False):
        found = preview(built.workspace, built.bundle, offline=offline, units=("portal",))
        assert {c.op for u in found.units for c in u.changes} == {"same"}
    assert ensure(built.workspace, built.bundle, "portal") == built.deployments["portal"]


def test_both_previews_name_the_same_resources(built: Built) -> None:
    online, offline = (
        preview(built.workspace, built.bundle, offline=offline, units=("records", LANDING)) for offline in (False, True)
    )
    assert [u.unit for u in online.units] == [LANDING, "records"]
    assert [(c.urn, c.op, c.cost) for u in online.units for c in u.changes] == [
        (c.urn, c.op, c.cost) for u in offline.units for c in u.changes
    ]
    assert online.count("create") > 0


def resealed(built: Built, units: dict[str, Unit]) -> Bundle:
    """The plan with other units, every hash and the signature made to fit, as somebody with the key could."""
    made = built.bundle
    return Bundle.sealed(built.workspace, made.plan, units=units, gates=made.gates, verdicts=made.verdicts)


def test_an_edited_plan_is_refused_before_anything_starts(built: Built) -> None:
    unit = msgspec.structs.replace(built.bundle.units["records"], place=ABROAD)
    edited = msgspec.structs.replace(built.bundle, units={**built.bundle.units, "records": unit})
    with pytest.raises(Refused, match="changed"):
        up(built.workspace, edited, units=("records",))
    assert "records" not in Engine(built.workspace).stacks()


def test_an_edit_with_every_hash_made_anew_is_refused_by_the_gate(built: Built) -> None:
    moved = msgspec.structs.replace(built.bundle.units["records"], place=ABROAD)
    units = {**built.bundle.units, "records": moved}
    forged = resealed(built, units)
    unsigned = msgspec.structs.replace(forged, signature=built.bundle.signature)
    with pytest.raises(Refused, match="signature"):
        up(built.workspace, unsigned, units=("records",))
    with pytest.raises(Refused, match="PSE-"):
        up(built.workspace, forged, units=("records",))
    seen = [entry.data for entry in Ledger(built.workspace).entries() if entry.kind == "refusal"]
    assert any(
        data["plan"] == forged.plan.hash and data["unit"] == "records" and data["gate"] == "plan" for data in seen
    )
    assert "records" not in Engine(built.workspace).stacks()


def test_a_new_landing_zone_with_another_units_gate_is_refused(built: Built) -> None:
    zone = landing_id(ABROAD)
    units = {**built.bundle.units, zone: msgspec.structs.replace(built.bundle.units[LANDING], id=zone, place=ABROAD)}
    gates = {**built.bundle.gates, zone: built.bundle.gates[LANDING]}
    forged = Bundle.sealed(built.workspace, built.bundle.plan, units=units, gates=gates, verdicts=built.bundle.verdicts)
    with pytest.raises(Refused, match="gate"):
        up(built.workspace, forged, landing=True)


def test_what_the_plan_does_not_build_is_a_usage_error(planned: Workspace, ministry_plan: Bundle) -> None:
    with pytest.raises(UsageError, match="legacy"):
        choose(ministry_plan, units=("legacy",))
    with pytest.raises(UsageError, match="wave 9") as caught:
        choose(ministry_plan, waves=(9,))
    assert "1, 2" in caught.value.hint
    assert [u.id for u in choose(ministry_plan, landing=True)] == [LANDING]
    assert [u.id for u in choose(ministry_plan, waves=(1,))] == [LANDING, "opendata"]
    assert len(choose(ministry_plan)) == len(ministry_plan.units)


def test_what_an_audit_misses_is_built_again_and_destroy_takes_everything_down(
    planned: Workspace, ministry_plan: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    up(planned, ministry_plan, landing=True)
    with pytest.raises(UsageError, match="nothing"):
        destroy(planned, units=("nothing",))
    audited = audit_units(planned, ministry_plan, silent)
    assert set(audited.refused) == {LANDING}
    (pair,) = [one for one in audited.rests if one.kind == "KeyPair"]
    places = Places(planned)
    places.store(pair.place, "KeyPair").delete(pair.id)
    places.close()
    (missing,) = audit_units(planned, ministry_plan, silent).findings
    assert (missing.code, missing.subject) == ("PSE-B036", LANDING)
    adopt(planned, ministry_plan, LANDING, refresh=True)
    assert audit_units(planned, ministry_plan, silent).findings == ()
    with monkeypatch.context() as patched:
        patched.setattr("blueprints.building.provision.served", lambda *_: {LANDING: "9" * 64})
        with pytest.raises(Refused) as caught:
            destroy(planned)
    assert f"`pse rollback {LANDING}` first" in caught.value.hint
    assert destroy(planned) == (LANDING,)
    assert audit_units(planned, ministry_plan, silent).refused == {}, "nothing of the plan stands any more"
    seen = [(entry.kind, entry.data.get("unit") or entry.data) for entry in Ledger(planned).entries()]
    assert [kind for kind, _ in seen] == ["up", "audit", "audit", "up", "audit", "refused", "destroy", "audit"]
    said = {"plan": ministry_plan.plan.hash, "judged": [LANDING], "refused": {}, "found": []}
    assert seen[1][1].items() >= said.items()
    assert Engine(planned).stacks() == ()
    assert destroy(planned) == ()


def test_a_plan_of_another_register_is_refused(planned: Workspace, ministry_plan: Bundle) -> None:
    register = planned.path("policy", "register.toml")
    register.write_text(register.read_text() + "\n# looked at again\n")
    sign_register(planned)
    up_to_now = Engine(planned).stacks()
    labels = planned.path("policy", "labels.toml")
    labels.write_text(labels.read_text() + '\n[[label]]\ncategory = "secret"\nhosts = ["nobody"]\n')
    with pytest.raises(Refused, match="labels, register changed since the plan was made"):
        up(planned, ministry_plan, landing=True)
    assert Engine(planned).stacks() == up_to_now


def data_of(unit: Unit) -> list[str]:
    return sorted(volume.name for server in unit.servers for volume in server.volumes)


def test_a_volume_that_stands_is_never_left_out_by_a_later_plan(built: Built) -> None:
    unit = built.bundle.units["portal"]
    renamed = tuple(
        msgspec.structs.replace(
            server,
            volumes=tuple(msgspec.structs.replace(volume, name=f"new-{volume.name}") for volume in server.volumes),
        )
        for server in unit.servers
    )
    units = {**built.bundle.units, "portal": msgspec.structs.replace(unit, servers=renamed)}
    later = resealed(built, units)
    with pytest.raises(Refused, match="with the data on it"):
        up(built.workspace, later, units=("portal",))
    with pytest.raises(Refused, match="with the data on it"):
        adopt(built.workspace, later, "portal")
    # As a run that failed leaves it, and as it is on another machine.
    document = built.workspace.private / "deployments" / "portal.json"
    kept = document.read_bytes()
    document.unlink()
    try:
        with pytest.raises(Refused, match="with the data on it"):
            up(built.workspace, later, units=("portal",))
        for offline in (True, False):
            shown = preview(built.workspace, later, offline=offline, units=("portal",)).units[-1]
            assert shown.refused == tuple(f"delete Volume {name} with the data on it" for name in data_of(unit))
    finally:
        document.write_bytes(kept)
    assert up(built.workspace, built.bundle, units=("portal",))


def test_a_stack_that_is_being_destroyed_does_not_stand(built: Built, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    up(built.workspace, built.bundle, units=("opendata",))
    monkeypatch.setattr("providers.driving.project.QuietStack.destroy", killed)
    with pytest.raises(KeyboardInterrupt):
        destroy(built.workspace, units=("opendata",))
    monkeypatch.undo()
    assert Engine(built.workspace).deployment("opendata") is None
    assert [d.stack for d in up(built.workspace, built.bundle, units=("opendata",))] == sorted((LANDING, "opendata"))
    assert destroy(built.workspace, units=("opendata",)) == ("opendata",)
