"""What becomes of the sample ministry's workloads, and of those that cannot be planned."""

import random
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blueprints import make_plan
from blueprints.planning.bundle import Bundle
from blueprints.planning.making import Draft, draft_plan
from inventory.estate import Estate
from inventory.store import record
from policy import Ledger
from pse.core.canonical import encode
from pse.core.documents.plan import Decision, Strategy
from pse.core.documents.snapshot import Disk, Flow
from pse.core.errors import BadInput
from pse.core.findings import Finding, Severity
from pse.core.settings import Workspace
from pse.core.text import printable
from tests.blueprints.estates import (
    ABROAD,
    AS_OF,
    IN_COUNTRY,
    SUSPENDED,
    draft,
    estate,
    inputs,
    ministry_estate,
    server,
    workload,
)


def decision(made: Draft | Bundle, name: str) -> Decision:
    decisions = made.plan.decisions if isinstance(made, Bundle) else made.decisions
    return next(d for d in decisions if d.workload == name)


def codes(made: Draft, subject: str) -> set[str]:
    return {f.code for f in made.findings if f.subject == subject}


def say(workspace: Workspace, text: str) -> None:
    path = workspace.path("workloads.toml")
    path.write_text(path.read_text() + text)


def label_all(workspace: Workspace, category: str = "restricted") -> None:
    workspace.path("policy", "labels.toml").write_text(f'[[label]]\ncategory = "{category}"\nhosts = ["*"]\n')


def test_the_ministry_gets_the_strategies_that_its_data_allows(ministry_plan: Bundle) -> None:
    found = {d.workload: (d.strategy, d.place) for d in ministry_plan.plan.decisions}
    assert found == {
        "analytics": (Strategy.NEW, IN_COUNTRY),
        "learning": (Strategy.SAAS, IN_COUNTRY),
        "legacy": (Strategy.RETAIN, ""),
        "opendata": (Strategy.REHOST, IN_COUNTRY),
        "portal": (Strategy.REHOST, IN_COUNTRY),
        "records": (Strategy.REHOST, IN_COUNTRY),
    }
    assert set(ministry_plan.units) == {
        "analytics",
        "opendata",
        "portal",
        "records",
        "landing-sample-markhor-islamabad-ict-1",
    }
    assert ministry_plan.plan.sample


def test_a_retained_workload_says_what_stops_it(ministry_plan: Bundle) -> None:
    reasons = decision(ministry_plan, "legacy").reasons
    assert any("a 32-bit kernel" in reason for reason in reasons)
    assert any("PSE-I105" in reason for reason in reasons)


def test_every_place_is_compared_with_the_reasons_of_the_refused(ministry_plan: Bundle) -> None:
    portal = decision(ministry_plan, "portal")
    options = {o.place: o for o in portal.options}
    assert set(options) == {IN_COUNTRY, SUSPENDED, ABROAD}
    assert options[IN_COUNTRY].allowed
    assert not options[IN_COUNTRY].refusals
    assert {r.rule for r in options[ABROAD].refusals} >= {"PSE-R003"}
    assert options[SUSPENDED].refusals
    abroad = options[ABROAD].cost
    assert abroad
    assert portal.mandate_monthly == portal.cost.monthly - abroad.monthly


def test_dear_egress_keeps_open_data_in_the_country(ministry_plan: Bundle) -> None:
    options = decision(ministry_plan, "opendata").options
    abroad = next(o for o in options if o.place == ABROAD)
    assert abroad.allowed
    assert options[0].place == IN_COUNTRY or not options[0].allowed
    lines = {x.kind: x for x in ministry_plan.units["opendata"].costs}
    assert lines["egress"].quantity == 4000


def test_a_database_is_made_before_the_front_that_needs_it(ministry_plan: Bundle) -> None:
    unit = ministry_plan.units["portal"]
    assert [s.name for s in unit.servers] == ["payments", "portal"]
    assert unit.servers[1].needs == ("payments",)
    assert unit.blueprint == "web-database"
    assert {(m.kind, m.source, m.database, m.paths) for m in unit.moves} == {
        ("files", "portal", "", ("/srv/portal",)),
        ("postgresql", "payments", "payments", ()),
    }
    assert [s.name for s in unit.services] == ["application", "web"]
    assert [(s.name, s.server) for s in unit.switches] == [("portal.ministry.example", "portal")]
    database = unit.servers[0]
    assert any(package.startswith("postgresql") for package in database.packages)
    assert [v.mount for v in database.volumes] == ["/var/lib/postgresql"]


def test_less_sensitive_data_moves_first(planned: Workspace) -> None:
    words = planned.path("workloads.toml")
    words.write_text(words.read_text().replace("wave = 2\n", ""))
    waves = draft(planned, ministry_estate()).waves.waves
    assert [w.workloads for w in waves] == [("opendata",), ("portal",), ("records",)]


def test_a_declared_wave_wins(ministry_plan: Bundle) -> None:
    assert [w.workloads for w in ministry_plan.plan.waves] == [("opendata",), ("portal", "records")]
    assert decision(ministry_plan, "learning").wave == 0
    assert any("uses opendata" in reason for reason in decision(ministry_plan, "learning").reasons)


def test_a_landing_zone_is_as_strict_as_its_strictest_workload(ministry_plan: Bundle) -> None:
    landing = ministry_plan.units["landing-sample-markhor-islamabad-ict-1"]
    assert landing.category == "sensitive"
    gate = ministry_plan.gates[landing.id].gate
    assert gate.workloads == (landing.id,)
    assert [a.place for a in gate.allowed] == [IN_COUNTRY]


def test_an_unlabelled_workload_is_refused_by_name_and_the_rest_is_planned(planned: Workspace) -> None:
    base = ministry_estate()
    more = msgspec.structs.replace(
        base, servers=(*base.servers, server("stray")), workloads=(*base.workloads, workload("stray"))
    )
    made = draft(planned, more)
    refused = decision(made, "stray")
    assert refused.strategy is None
    assert {r.rule for r in refused.refusals} == {"PSE-R001"}
    assert codes(made, "stray") == {"PSE-R102"}
    assert "portal" in made.units
    assert "stray" not in made.units


def test_a_declared_place_that_is_not_allowed_is_refused_and_not_overruled(planned: Workspace) -> None:
    path = planned.path("workloads.toml")
    path.write_text(path.read_text().replace("[workload.portal]\n", f'[workload.portal]\nplace = "{ABROAD}"\n'))
    made = draft(planned, ministry_estate())
    refused = decision(made, "portal")
    assert refused.strategy is None
    assert "PSE-R003" in {r.rule for r in refused.refusals}
    assert "PSE-B001" in codes(made, "portal")
    assert "portal" not in made.units


def test_a_place_that_the_register_does_not_know_is_refused(planned: Workspace) -> None:
    path = planned.path("workloads.toml")
    path.write_text(path.read_text().replace("[workload.portal]\n", '[workload.portal]\nplace = "no/such/place"\n'))
    refused = decision(draft(planned, ministry_estate()), "portal")
    assert refused.strategy is None
    assert {r.rule for r in refused.refusals} == {"PSE-B012"}


def test_a_declared_strategy_wins_and_says_what_it_overrules(planned: Workspace) -> None:
    say(planned, '\n[workload.legacy]\nstrategy = "replatform"\nreason = "rewritten for a new OS"\n')
    base = ministry_estate()
    newer = tuple(
        msgspec.structs.replace(s, os_family="debian", architecture="x86_64") if s.hostname == "legacy" else s
        for s in base.servers
    )
    made = draft(planned, msgspec.structs.replace(base, servers=newer))
    assert decision(made, "legacy").strategy is Strategy.REPLATFORM
    assert "PSE-B005" in codes(made, "legacy")


def test_declared_retirement_needs_no_label(planned: Workspace) -> None:
    say(planned, '\n[workload.old]\nstrategy = "retire"\nreason = "replaced last year"\n')
    made = draft(planned, estate((server("old"),), (workload("old"),)))
    assert decision(made, "old").strategy is Strategy.RETIRE
    assert decision(made, "old").refusals == ()


def test_saas_without_an_allowed_offer_becomes_a_rehost(planned: Workspace) -> None:
    label_all(planned, "secret")
    made = draft(planned, ministry_estate())
    assert decision(made, "learning").strategy is None  # no place is accredited for secret data
    label_all(planned, "restricted")
    prices = planned.path("policy", "prices.toml")
    kept = [row for row in prices.read_text().split("[[offer]]") if not ("saas" in row and "markhor" in row)]
    prices.write_text("[[offer]]".join(kept))
    made = draft(planned, ministry_estate())
    assert decision(made, "learning").strategy is Strategy.REHOST
    assert "PSE-B013" in codes(made, "learning")


def test_seats_that_nobody_stated_are_no_price_and_not_free(planned: Workspace) -> None:
    path = planned.path("workloads.toml")
    path.write_text(path.read_text().replace("seats = 150\n", ""))
    learning = decision(draft(planned, ministry_estate()), "learning")
    assert learning.strategy is Strategy.SAAS
    assert learning.cost.no_price == 1
    assert learning.mandate_monthly is None


@pytest.mark.parametrize(("version", "severity", "words"), [("13", "warning", "an OLDER"), ("11", "info", "another")])
def test_an_image_of_an_older_version_is_a_warning(planned: Workspace, version: str, severity: str, words: str) -> None:
    label_all(planned)
    made = draft(planned, estate((server("front", os_version=version),), (workload("front"),)))
    (said,) = [finding for finding in made.findings if finding.code == "PSE-B014"]
    assert said.severity.value == severity
    assert said.message.startswith(
        f"{words} version of the operating system: front: debian {version} becomes debian-12"
    )


def test_servers_that_are_switched_off_stay(planned: Workspace) -> None:
    label_all(planned)
    made = draft(planned, estate((server("idle", power_state="off"),), (workload("idle"),)))
    assert decision(made, "idle").strategy is Strategy.RETAIN


def test_what_no_allowed_place_sells_is_refused_alike_for_servers_and_environments(planned: Workspace) -> None:
    label_all(planned)
    path = planned.path("environments", "analytics.toml")
    path.write_text(
        'category = "restricted"\n[[servers]]\nrole = "web"\nvcpus = 512\nmemory_mib = 4096\nports = [443]\n'
    )
    made = draft(planned, estate((server("huge", vcpus=512),), (workload("huge"),)))
    for name in ("huge", "analytics"):
        found = decision(made, name)
        assert found.strategy is None
        assert {r.rule for r in found.refusals} == {"PSE-B002"}
        assert all("no allowed place sells or makes what it needs" in r.message for r in found.refusals)
        assert any(f"no shape for {name}" in reason for reason in found.reasons)
        assert {o.place for o in found.options} == {IN_COUNTRY, SUSPENDED, ABROAD}
        assert "PSE-B002" in codes(made, name)


def test_more_resources_than_a_stack_holds_are_refused_by_name(planned: Workspace) -> None:
    label_all(planned)
    names = [f"node{number:03}" for number in range(70)]
    made = draft(planned, estate(tuple(map(server, names)), (workload("farm", *names),)))
    assert decision(made, "farm").strategy is None
    assert {r.rule for r in decision(made, "farm").refusals} == {"PSE-B008"}
    assert "farm" not in made.units


def test_an_id_that_every_plan_has_already_is_refused(planned: Workspace) -> None:
    label_all(planned)
    made = draft(planned, estate((server("verdicts"),), (workload("verdicts"),)))
    assert {r.rule for r in decision(made, "verdicts").refusals} == {"PSE-B011"}


def test_servers_in_a_circle_are_planned_and_said(planned: Workspace) -> None:
    label_all(planned)
    flows = tuple(
        Flow(client=f"srv-{a}", server=f"srv-{b}", protocol="tcp", port=7000) for a, b in (("a", "b"), ("b", "a"))
    )
    made = draft(planned, estate((server("a"), server("b")), (workload("pair", "a", "b"),), flows=flows))
    order = [s.name for s in made.units["pair"].servers]
    assert sorted(order) == ["a", "b"]
    assert made.units["pair"].servers[0].needs == ()
    assert made.units["pair"].servers[1].needs == (order[0],)
    assert "PSE-B009" in {f.code for f in made.findings}


def test_a_server_without_a_workload_is_an_error(planned: Workspace) -> None:
    assert "PSE-B015" in codes(draft(planned, estate((server("lost"),), ())), "lost")


def test_templates_are_neither_counted_nor_planned(planned: Workspace) -> None:
    label_all(planned)
    made = draft(planned, estate((server("gold", is_template=True), server("app")), (workload("app"),)))
    assert [d.workload for d in made.decisions] == ["analytics", "app"]


def test_what_stops_a_server_of_an_odd_name_is_said(planned: Workspace) -> None:
    label_all(planned)
    odd = server("odd", hostname="Halle\nNord", blockers=("PSE-I101",))
    said = Finding(code="PSE-I101", severity=Severity.ERROR, subject=printable(odd.hostname), message="too old")
    of = estate((odd,), (workload("odd"),))
    of = msgspec.structs.replace(of, manifest=msgspec.structs.replace(of.manifest, findings=(said,)))
    (decision,) = [d for d in draft(planned, of).decisions if d.workload == "odd"]
    assert any("too old" in reason for reason in decision.reasons)


def test_nothing_to_plan_is_said(planned: Workspace) -> None:
    planned.path("environments", "analytics.toml").unlink()
    with pytest.raises(BadInput, match="nothing to plan"):
        make_plan(planned, as_of=AS_OF)
    record(planned, ())
    with pytest.raises(BadInput, match="nothing to plan"):
        make_plan(planned, as_of=AS_OF)


def test_environments_alone_make_a_plan_for_a_pipeline(planned: Workspace) -> None:
    made = make_plan(planned, as_of=AS_OF)
    assert set(made.units) == {"analytics", "landing-sample-markhor-islamabad-ict-1"}
    unit = made.units["analytics"]
    assert unit.wave == 0
    assert not unit.moves
    assert made.plan.waves == ()


def test_refusals_of_a_plan_are_in_the_ledger_once(planned: Workspace) -> None:
    path = planned.path("environments", "analytics.toml")
    path.write_text(f'place = "{ABROAD}"\n' + path.read_text())
    for _ in range(2):
        made = make_plan(planned, as_of=AS_OF)
    assert made.units == {}
    refused = [e for e in Ledger(planned).entries() if e.kind == "refusal"]
    assert {(e.data["unit"], e.data["gate"], e.data["plan"]) for e in refused} == {
        ("analytics", "plan", made.plan.hash)
    }
    assert len({e.data["rule"] for e in refused}) == len(refused)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("category = \n", "not TOML"),
        ('category = "restricted"\nsurprise = 1\nservers = []\n', "surprise"),
        ("servers = []\n", "category"),
        ('category = "open"\n[[servers]]\nrole = "web"\ncount = 0\nvcpus = 1\nmemory_mib = 1\n', "count"),
        ('category = "open"\n[[servers]]\nrole = "web"\nvcpus = -1\nmemory_mib = 1\n', "vcpus"),
        ('category = "open"\n[[servers]]\nrole = "web"\nvcpus = 1\nmemory_mib = 1\nmount = "srv"\n', "mount"),
        ('id = "Not A Name"\ncategory = "open"\nservers = []\n', "Not A Name"),
    ],
)
def test_a_broken_environment_names_its_file(planned: Workspace, text: str, words: str) -> None:
    planned.path("environments", "broken.toml").write_text(text)
    with pytest.raises(BadInput, match=words) as caught:
        make_plan(planned, as_of=AS_OF)
    assert "broken.toml" in caught.value.where


@dataclass
class House:
    """A workspace for many examples of one test."""

    workspace: Workspace
    base: Estate
    want: bytes


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    from providers.lab.sample import create

    workspace = create(Path(tmp_path_factory.mktemp("house")) / "ministry")
    base = ministry_estate()
    extra = tuple(Disk(server="srv-records", name=f"vd{letter}", size_mib=1000) for letter in "bcd")
    base = msgspec.structs.replace(base, disks=(*base.disks, *extra))
    return House(workspace, base, encode(_parts(draft_plan(inputs(workspace, base)))))


def _parts(made: Draft) -> object:
    return (made.decisions, made.waves.waves, dict(made.units), made.findings)


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32))
def test_the_order_of_rows_changes_no_byte(house: House, seed: int) -> None:
    shuffle = random.Random(seed)
    tables = {}
    for name in house.base.__struct_fields__:
        rows = getattr(house.base, name)
        if isinstance(rows, tuple):
            tables[name] = tuple(shuffle.sample(rows, len(rows)))
    mixed = msgspec.structs.replace(house.base, **tables)
    assert encode(_parts(draft_plan(inputs(house.workspace, mixed)))) == house.want


def test_a_plan_that_several_processes_make_is_the_same_plan(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pse.core.forked.LEAST", 1)
    assert encode(_parts(draft_plan(inputs(house.workspace, house.base)))) == house.want


def test_other_inputs_make_another_plan(planned: Workspace, ministry_plan: Bundle) -> None:
    path = planned.path("policy", "prices.toml")
    path.write_text(path.read_text().replace('"8.40"', '"8.41"'))
    from tests.blueprints.estates import bundle

    assert bundle(planned, ministry_estate()).plan.hash != ministry_plan.plan.hash
