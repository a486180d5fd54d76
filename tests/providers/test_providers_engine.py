"""The engine driver on the real engine: up, again, preview, refresh, destroy."""

from tests.providers.house import House, server


def test_stack_goes_up_and_stands(engine_house: House) -> None:
    deployment = engine_house.up(server())
    assert [resource.type.rpartition(":")[2] for resource in deployment.resources] == sorted(
        resource.type.rpartition(":")[2] for resource in deployment.resources
    )
    assert {resource.id for resource in deployment.resources} == engine_house.ids()
