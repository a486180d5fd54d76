"""Rules that only warn of a place: a finding of the plan, and nothing else."""

from policy.register import sign_register
from pse.core.findings import Severity
from pse.core.settings import Workspace
from tests.blueprints.estates import IN_COUNTRY, draft, ministry_estate


def test_failed_audit_of_a_chosen_place_is_a_finding_once_and_moves_nothing(planned: Workspace) -> None:
    before = draft(planned, ministry_estate())
    assert "PSE-R108" not in {finding.code for finding in before.findings}
    path = planned.path("policy", "register.toml")
    path.write_text(path.read_text().replace('outcome = "passed"', 'outcome = "failed"'))
    sign_register(planned)
    after = draft(planned, ministry_estate())
    (said,) = [finding for finding in after.findings if finding.code == "PSE-R108"]
    assert (said.subject, said.severity) == (IN_COUNTRY, Severity.WARNING)
    assert "PSE-R007" in said.message
    assert "failed" in said.message
    assert [(d.workload, d.place) for d in after.decisions] == [(d.workload, d.place) for d in before.decisions]
