"""Plan and gate against a second opinion that was written from the policy's table; `make bench-policy` asks it more."""

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.policy import oracle
from tests.policy.second import disagreements


@settings(max_examples=400)
@given(seed=st.integers(min_value=0, max_value=2**63))
def test_law_the_oracle_never_disagrees_with_plan_or_gate(seed: int) -> None:
    assert list(disagreements(seed)) == []


def test_the_worlds_have_something_of_everything() -> None:
    import random

    allowed = refused = built = stopped = 0
    for seed in range(300):
        rng = random.Random(seed)
        told = oracle.world(rng)
        for workload in oracle.WORKLOADS:
            for place in told.places:
                may = oracle.may(told, workload, place, told.day)
                allowed, refused = allowed + may, refused + (not may)
            for resource in oracle.resources(rng, told, workload):
                fits = oracle.fits(told, workload, resource, told.day)
                built, stopped = built + fits, stopped + (not fits)
    assert min(allowed, refused, built, stopped) > 300
