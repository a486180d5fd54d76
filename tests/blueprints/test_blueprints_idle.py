"""Servers that nobody needs: called so by evidence only, and retired by a person only."""

from datetime import date

import pytest

from blueprints.estate.view import View
from blueprints.planning.making import Draft, draft_plan
from blueprints.sizing.idle import Kind, idle_of
from pse.core.documents.plan import Decision, Strategy
from pse.core.documents.sizing import IdleSettings
from pse.core.documents.snapshot import Flow, Listener
from pse.core.settings import Workspace
from tests.blueprints.estates import estate, inputs, server, workload
from tests.blueprints.test_blueprints_usage import usage

DAY = date(2026, 11, 25)


def called_by(client: str, port: int) -> Flow:
    return Flow(client=client, server="srv-a", protocol="tcp", port=port)


ELSEWHERE = Flow(client="srv-x", server="srv-y", protocol="tcp", port=80)


@pytest.mark.parametrize(
    ("words", "flows", "kind"),
    [
        ({"cpu_p95": "2", "logins": "0"}, (ELSEWHERE,), Kind.ZOMBIE),
        ({"cpu_p95": "2"}, (ELSEWHERE,), Kind.ZOMBIE),
        ({"cpu_p95": "2"}, (ELSEWHERE, called_by("srv-x", 22), called_by("srv-x", 10050)), Kind.ZOMBIE),
        ({"cpu_peak": "4.9"}, (ELSEWHERE,), Kind.ZOMBIE),
        ({"cpu_p95": "5", "logins": "0"}, (ELSEWHERE,), Kind.IDLE),
        ({"cpu_p95": "2", "logins": "3"}, (ELSEWHERE,), Kind.IDLE),
        ({"cpu_p95": "2"}, (called_by("srv-x", 443),), Kind.IDLE),
        ({"cpu_p95": "2"}, (called_by("external:192.0.2.1", 80),), Kind.IDLE),
        ({"cpu_p95": "2"}, (), Kind.IDLE),  # nobody looked at connections
        ({"cpu_p95": "20"}, (ELSEWHERE,), None),
        ({"cpu_p95": "2", "first": "2026-10-03"}, (ELSEWHERE,), None),  # 29 days
        ({"cpu_p95": "2", "first": "2026-10-02"}, (ELSEWHERE,), Kind.ZOMBIE),  # 30 days
        ({"memory_p95": "1"}, (ELSEWHERE,), None),
    ],
)
def test_a_zombie_takes_all_the_evidence(words: dict[str, str], flows: tuple[Flow, ...], kind: Kind | None) -> None:
    one = server("a")
    view = View(estate((one,), (), flows=flows))
    found = idle_of(one, view, usage(**words), IdleSettings(), as_of=DAY)
    assert (found.kind if found else None) == kind
    if found is not None:
        assert "CPU p" in found.evidence
        assert "2026-10-31" in found.evidence


def test_without_a_measurement_nothing_is_idle() -> None:
    one = server("a", cpu_peak=0.0)
    assert idle_of(one, View(estate((one,), ())), None, IdleSettings(), as_of=DAY) is None


@pytest.mark.parametrize(("since", "kind"), [("2026-08-27", Kind.OFF), ("2026-08-28", None), (None, None)])
def test_a_server_counts_as_off_from_its_day_on(since: str | None, kind: Kind | None) -> None:
    one = server("a", power_state="off")
    measured = usage(off_since=since, cpu_p95="0")
    found = idle_of(one, View(estate((one,), (), flows=(ELSEWHERE,))), measured, IdleSettings(), as_of=DAY)
    assert (found.kind if found else None) == kind
    running = server("a")
    again = idle_of(running, View(estate((running,), (), flows=(ELSEWHERE,))), measured, IdleSettings(), as_of=DAY)
    assert again is not None
    assert again.kind is Kind.ZOMBIE


def plan(workspace: Workspace, rows: str, **words: object) -> Draft:
    workspace.path("usage.csv").write_text(f"host,first,last,coverage,cpu_p95,off_since\n{rows}")
    workspace.path("policy", "labels.toml").write_text('[[label]]\ncategory = "public"\nhosts = ["*"]\n')
    servers = (server("front", **words), server("back", **words))
    return draft_plan(inputs(workspace, estate(servers, (workload("pair", "back", "front"),), flows=(ELSEWHERE,))))


def decision(made: Draft) -> Decision:
    return next(d for d in made.decisions if d.workload == "pair")


IDLE = "front,2026-08-01,2026-10-31,90,1,\nback,2026-08-01,2026-10-31,90,1,\n"


def test_a_zombie_is_proposed_and_moves_all_the_same(planned: Workspace) -> None:
    made = plan(planned, IDLE)
    found = decision(made)
    assert found.strategy is Strategy.REHOST
    assert found.proposed is Strategy.RETIRE
    assert "2026-08-01 to 2026-10-31" in " ".join(found.reasons)
    assert {f.subject for f in made.findings if f.code == "PSE-B066"} == {"front", "back"}


def test_a_workload_with_a_server_that_works_is_not_proposed(planned: Workspace) -> None:
    made = plan(planned, IDLE.replace("back,2026-08-01,2026-10-31,90,1", "back,2026-08-01,2026-10-31,90,70"))
    assert decision(made).proposed is None
    assert {f.subject for f in made.findings if f.code == "PSE-B066"} == {"front"}


def test_a_person_retires_it_and_the_evidence_stays(planned: Workspace) -> None:
    with planned.path("workloads.toml").open("a") as file:
        file.write('\n[workload.pair]\nstrategy = "retire"\nreason = "Letter 7"\n')
    made = plan(planned, IDLE)
    assert decision(made).strategy is Strategy.RETIRE
    assert decision(made).proposed is None
    assert "PSE-B066" in {f.code for f in made.findings}


def test_what_is_off_for_long_is_retained_and_proposed(planned: Workspace) -> None:
    off = IDLE.replace(",1,\n", ",,2026-01-01\n")
    made = plan(planned, off, power_state="off")
    assert (decision(made).strategy, decision(made).proposed) == (Strategy.RETAIN, Strategy.RETIRE)
    assert "PSE-B068" in {f.code for f in made.findings}


@pytest.mark.parametrize("told_by", ["name", "package", "process"])
def test_a_software_service_is_proposed_where_one_is_sold_and_allowed(planned: Workspace, told_by: str) -> None:
    planned.path("policy", "labels.toml").write_text('[[label]]\ncategory = "public"\nhosts = ["*"]\n')
    one = server("moodle1" if told_by == "name" else "a7", packages=("moodle",) if told_by == "package" else ())
    listeners = (
        Listener(server=one.id, protocol="tcp", address="192.0.2.1", port=80, process="moodle-web"),
    ) * (told_by == "process")  # fmt: skip
    of = estate((one,), (workload("courses", one.hostname),), listeners=listeners)
    made = draft_plan(inputs(planned, of))
    found = next(d for d in made.decisions if d.workload == "courses")
    assert (found.strategy, found.proposed) == (Strategy.REHOST, Strategy.SAAS)
    assert "learning-management" in " ".join(found.reasons)
    planned.path("policy", "labels.toml").write_text('[[label]]\ncategory = "secret"\nhosts = ["*"]\n')
    refused = next(d for d in draft_plan(inputs(planned, of)).decisions if d.workload == "courses")
    assert refused.proposed is None
