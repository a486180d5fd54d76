"""What an adapter does under the real engine and plugin: previews, drift, replacements, kills, refusals, the end."""

from providers.conformance.base import Contract
from providers.conformance.journey import Journey

NAMES = ("disk", "fire", "key", "net", "spare", "sub", "wall", "web")
"""Resources of the journey."""
MORE = ("at", "late", "unseen")
"""What it gets on the way."""
SOON_S = 30.0
"""Seconds for what a person is promised within 5: engine and plugin end too, on a busy machine."""


class EngineContract(Contract):
    """Give the fixture ``journey``, made once for the class: see `providers.conformance.Journey`."""

    def test_preview_tells_what_it_would_make_and_makes_nothing(self, journey: Journey) -> None:
        seen = journey["preview"]
        assert sorted(told.name for told in seen.told if told.op == "create") == list(NAMES)
        assert (seen.calls, seen.standing, dict(seen.state)) == (0, journey.first, {})

    def test_kill_of_the_plugin_makes_nothing_twice_and_loses_nothing(self, journey: Journey) -> None:
        assert "plugin" in journey.killed
        _whole(journey)

    def test_kill_of_the_engine_makes_nothing_twice_and_loses_nothing(self, journey: Journey) -> None:
        assert "engine" in journey.killed
        _whole(journey)

    def test_second_up_does_nothing(self, journey: Journey) -> None:
        first, again = journey["up"], journey["again"]
        assert again.state == first.state
        assert again.standing == first.standing
        assert again.calls == 0

    def test_secret_of_a_stack_is_in_no_state_and_no_log(self, journey: Journey) -> None:
        assert sorted(journey["up"].state) == list(NAMES)
        assert not journey.secret_written

    def test_refresh_finds_what_changed_outside(self, journey: Journey) -> None:
        assert ("fire", "update") in journey["refresh"].told

    def test_refresh_finds_what_was_deleted_outside(self, journey: Journey) -> None:
        seen = journey["refresh"]
        assert ("spare", "delete") in seen.told
        assert "spare" not in seen.state

    def test_refresh_changes_nothing_at_the_cloud(self, journey: Journey) -> None:
        assert journey["refresh"].calls == 0

    def test_next_up_makes_again_what_was_deleted_outside(self, journey: Journey) -> None:
        before, after = journey["up"].state, journey["repair"].state
        assert sorted(after) == list(NAMES)
        assert after["spare"] != before["spare"]
        assert _sizes(journey, "repair") == _sizes(journey, "up")

    def test_change_in_place_keeps_the_id(self, journey: Journey) -> None:
        before, after = journey["up"].state, journey["repair"].state
        kept = [name for name in NAMES if name not in {"spare", "wall"}]
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}

    def test_replacement_leaves_one(self, journey: Journey) -> None:
        assert journey["repair"].state["wall"] != journey["up"].state["wall"]
        assert _sizes(journey, "repair") == _sizes(journey, "up")

    def test_replacement_that_loses_data_is_refused_before_any_call(self, journey: Journey) -> None:
        seen, before = journey.refused("lossy"), journey["repair"]
        assert (seen.calls, seen.standing, seen.state) == (0, before.standing, before.state)

    def test_gate_refuses_another_place_before_any_call(self, journey: Journey) -> None:
        seen, before = journey.refused("abroad"), journey["repair"]
        assert (seen.calls, seen.standing, seen.state) == (0, before.standing, before.state)

    def test_object_of_another_stack_is_not_imported(self, journey: Journey) -> None:
        seen = journey.refused("foreign")
        assert seen.error is not None
        assert "cannot be imported" in seen.error.message
        assert (seen.calls, seen.state) == (0, journey["repair"].state)

    def test_import_by_id_makes_nothing_and_the_state_is_what_is_live(self, journey: Journey) -> None:
        before, seen = journey["mended"], journey["import"]
        assert (seen.calls, seen.standing, seen.state) == (0, before.standing, before.state)
        # A program whose inputs are not those of the live object is refused by the engine: they are the same.
        told = {wire: value for wire, value in journey.live.items() if value and wire in journey.forgotten}
        assert {"name", "sizeGib"} <= set(told)
        assert {wire: journey.forgotten[wire] for wire in told} == told

    def test_cancel_ends_a_create_that_hangs_and_loses_nothing(self, journey: Journey) -> None:
        seen, before = journey.refused("cancelled"), journey["repair"]
        # The cloud had not answered by then and never would have: it was the interrupt that ended it.
        assert journey.planted["hang"] > 0
        assert 0 < journey.cancel_s < SOON_S
        assert (seen.standing, seen.state) == (before.standing, before.state)

    def test_create_without_an_end_is_given_up_at_its_timeout_and_kept_with_its_id(self, journey: Journey) -> None:
        seen = journey.refused("storm")
        assert seen.error is not None
        assert "longer than its timeout" in seen.error.message
        assert journey.planted["stuck"] > 0
        assert seen.state["late"]

    def test_next_up_repairs_what_was_kept_and_makes_no_other(self, journey: Journey) -> None:
        storm, mended = journey.refused("storm"), journey["mended"]
        assert mended.state["late"] == storm.state["late"]
        assert sorted(mended.state) == sorted((*NAMES, *MORE))
        assert len(set(mended.state.values())) == len(NAMES) + len(MORE)

    def test_list_that_lags_makes_nothing_twice(self, journey: Journey) -> None:
        storm, mended = journey.refused("storm"), journey["mended"]
        assert (journey.planted["lost"], journey.planted["late"] > 1) == (1, True)
        assert mended.state["unseen"] == storm.state["unseen"]
        # What was made twice would be left in the end.
        assert journey["destroy"].standing == journey.first

    def test_replacement_deletes_first_what_cannot_be_there_twice(self, journey: Journey) -> None:
        order = [(told.name, told.op) for told in journey["turn"].told]
        made, gone = ("at", "create-replacement"), ("at", "delete-replaced")
        assert order.index(gone) < order.index(made)
        web = [order.index(("web", op)) for op in ("create-replacement", "delete-replaced")]
        assert web == sorted(web)

    def test_replacement_takes_along_what_depends_on_it_and_nothing_else(self, journey: Journey) -> None:
        before, after = journey["import"], journey["turn"]
        assert {name for name, object_id in after.state.items() if object_id != before.state[name]} == {"at", "web"}
        assert _sizes(journey, "turn") == _sizes(journey, "import")

    def test_destroy_leaves_nothing_by_the_accounts_own_listing(self, journey: Journey) -> None:
        seen = journey["destroy"]
        assert seen.standing == journey.first
        assert dict(seen.state) == {}


def _whole(journey: Journey) -> None:
    """All of it stands, once: a run without any kill that goes on from there makes nothing more."""
    seen = journey["up"]
    assert sorted(seen.state) == list(NAMES)
    assert len(set(seen.state.values())) == len(NAMES)
    assert _sizes(journey, "again") == _sizes(journey, "up")
    # What was made twice or lost would be left in the end.
    assert journey["destroy"].standing == journey.first


def _sizes(journey: Journey, step: str) -> dict[str, int]:
    return {sort: len(found) for sort, found in journey[step].standing.items()}
