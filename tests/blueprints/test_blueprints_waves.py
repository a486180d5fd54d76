"""Waves: within capacity, less sensitive first, and a declared one wins."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from blueprints.model import Demand, Wanted
from blueprints.waves import make_waves
from pse.core.documents.category import Category
from pse.core.documents.plan import Move
from pse.core.documents.workloads import WorkloadDeclaration


def wanted(name: str, servers: int, category: Category = Category.OPEN, wave: int | None = None) -> Wanted:
    demands = tuple(
        Demand(name=f"{name}-{n}", role="server", vcpus=1, memory_mib=1, os_family="debian") for n in range(servers)
    )
    return Wanted(
        id=name, category=category, class_id=category, servers=demands, declared=WorkloadDeclaration(wave=wave)
    )


groups = st.lists(
    st.builds(
        wanted,
        st.uuids().map(str),
        st.integers(1, 12),
        st.sampled_from(Category),
        st.none() | st.none() | st.integers(1, 4),
    ),
    max_size=40,
)


@given(groups, st.integers(1, 20))
def test_laws_of_waves(workloads: list[Wanted], capacity: int) -> None:
    made = make_waves(workloads, capacity=capacity)
    assert sorted(made.number) == sorted(w.id for w in workloads)
    by_id = {w.id: w for w in workloads}
    said = {f.subject for f in made.findings}
    for wave in made.waves:
        members = [by_id[name] for name in wave.workloads]
        assert wave.servers == sum(len(w.servers) for w in members)
        if wave.servers > capacity:
            assert f"wave {wave.number}" in said
            free = [w for w in members if w.declared.wave is None]
            assert len(free) < len(members) or len(members) == 1
        assert wave.why
    for w in workloads:
        if w.declared.wave is not None:
            assert made.number[w.id] == w.declared.wave
    free = [w for w in workloads if w.declared.wave is None]
    for a in free:
        for b in free:
            if a.category and b.category and a.category.rank < b.category.rank:
                assert made.number[a.id] <= made.number[b.id]
    assert make_waves(reversed(workloads), capacity=capacity) == made


def test_a_wave_holds_one_category_of_its_own_choice() -> None:
    made = make_waves([wanted("a", 1), wanted("b", 1, Category.SECRET), wanted("c", 1)], capacity=50)
    assert [w.workloads for w in made.waves] == [("a", "c"), ("b",)]


def test_a_workload_larger_than_a_wave_is_alone_and_said() -> None:
    made = make_waves([wanted("big", 9), wanted("small", 1)], capacity=3)
    assert [w.workloads for w in made.waves] == [("small",), ("big",)]
    assert [f.code for f in made.findings] == ["PSE-B010"]


def test_moves_of_unknown_size_are_said_and_the_known_part_is_summed() -> None:
    moves = tuple(
        Move(id=f"m{n}", kind="files", source="a", target="a-0", size_mib=size)
        for n, size in enumerate((5, None, None))
    )
    (wave,) = make_waves([msgspec.structs.replace(wanted("a", 1), moves=moves)], capacity=5).waves
    assert wave.size_mib == 5
    assert "2 moves of unknown size" in wave.why
    (known,) = make_waves([msgspec.structs.replace(wanted("a", 1), moves=moves[:1])], capacity=5).waves
    assert "unknown" not in known.why
