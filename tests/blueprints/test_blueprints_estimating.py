"""Estimates, by which places are compared, against the bills that they stand for."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from blueprints.bills.estimating import Estimates
from blueprints.bills.pricing import build_at
from blueprints.model import Demand, Wanted, WantedVolume
from pse.core.costing import Copies, Retention
from pse.core.documents.category import Category
from tests.blueprints.test_blueprints_lines import PLACE, catalogue

SERVERS = st.fixed_dictionaries(
    {
        "vcpus": st.integers(1, 5),
        "memory_mib": st.integers(1, 10_000),
        "role": st.sampled_from(["web", "database"]),
        "os_family": st.sampled_from(["debian", "rhel"]),
        "volumes": st.lists(st.integers(1, 40), max_size=3).map(
            lambda sizes: tuple(WantedVolume(name=f"v{n}", size_gib=g, mount=f"/v{n}") for n, g in enumerate(sizes))
        ),
        "iops": st.sampled_from([0, 50, 5000]),
        "licences": st.sampled_from([(), ("suite",)]),
        "published": st.booleans(),
    }
)
WORKLOADS = st.fixed_dictionaries(
    {
        "servers": st.lists(SERVERS, max_size=3),
        "category": st.sampled_from([Category.PUBLIC, Category.RESTRICTED]),
        "egress_gib": st.sampled_from([None, 0, 150]),
        "load_balancers": st.integers(0, 1),
        "new": st.booleans(),
    }
)


@given(st.lists(WORKLOADS, min_size=2, max_size=6))
def test_an_estimate_is_the_total_of_the_bill_whatever_was_estimated_before(drawn: list[dict[str, Any]]) -> None:
    by = catalogue(
        {"kind": "compute", "name": "s", "unit": "hour", "price": "0.10", "vcpus": 2, "memory_mib": 4096},
        {"kind": "compute", "name": "l", "unit": "hour", "price": "0.33", "vcpus": 4, "memory_mib": 8192},
        {"kind": "storage", "name": "hdd", "unit": "GiB-month", "price": "0.05", "max_iops": 100},
        {"kind": "storage", "name": "ssd", "unit": "GiB-month", "price": "0.11"},
        {"kind": "iops", "name": "ssd", "unit": "IOPS-month", "price": "0.005", "above": "1000"},
        {"kind": "egress", "name": "e", "unit": "GiB", "price": "0.07"},
        {"kind": "egress", "name": "e", "unit": "GiB", "price": "0.03", "above": "100"},
        {"kind": "support", "name": "desk", "unit": "percent", "price": "4"},
        {"kind": "licence", "name": "suite", "unit": "vcpu-hour", "price": "0.31"},
        {"kind": "backup", "name": "vault", "unit": "GiB-month", "price": "1.75"},
        tax="15",
        keep=(Retention(kind=Copies.BACKUP, copies=7, categories=(Category.RESTRICTED,)),),
    )
    estimates = Estimates(by, [PLACE])
    for words in drawn:
        servers = tuple(Demand(name=f"s{n}", **server) for n, server in enumerate(words["servers"]))
        of = Wanted(**{"id": "w", "class_id": "public", **words, "servers": servers})
        made = build_at(of, PLACE, by)
        assert estimates.of(of) == ({} if made.lacking else {PLACE: made.cost})
