"""Servers that never share a machine, and disks that are as fast as they are paid for."""

from collections.abc import Iterator

import msgspec
import pytest

from providers.aws import AwsProvider
from providers.conformance import Rig
from providers.ports import PortError
from tests.fakes import hostile
from tests.fakes.ec2 import error
from tests.providers.aws.cloud import Cloud, rig_of


@pytest.fixture
def rig(cloud: Cloud, shared: AwsProvider) -> Iterator[Rig]:
    with rig_of(cloud, shared) as rig:
        yield rig


def test_servers_apart_share_a_group_that_goes_with_the_last_one(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Server"), apart="web")
    first = rig.make("Server", inputs)
    second = rig.make("Server", msgspec.structs.replace(inputs, name="second"))
    assert first.inputs == inputs
    # Found again by its tag, where nobody knows the word.
    imported = rig.store("Server").read(first.id, None)
    assert imported is not None
    assert getattr(imported.inputs, "apart", "") == "web"
    others = [msgspec.structs.replace(inputs, name="third", apart="db"), msgspec.structs.replace(inputs, apart="")]
    third, alone = (rig.make("Server", other) for other in others)
    assert len(cloud.standing()["placement"]) == 2
    rig.store("Server").delete(alone.id)
    rig.store("Server").delete(first.id)
    rig.store("Server").delete(third.id)
    assert len(cloud.standing()["placement"]) == 1
    cloud.proxy.plant(hostile.cut_after, when="DeletePlacementGroup")
    with pytest.raises(PortError):
        rig.store("Server").delete(second.id)
    rig.store("Server").delete(second.id)
    assert "placement" not in cloud.standing()


def test_group_goes_after_a_run_that_died_before_it_could_take_it_along(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Server", msgspec.structs.replace(rig.inputs("Server"), apart="web"))
    cloud.client().terminate_instances(InstanceIds=[made.id])
    assert rig.store("Server").read(made.id, made.inputs) is None
    rig.store("Server").delete(made.id)
    assert "placement" not in cloud.standing()


def test_group_of_a_server_that_could_not_be_made_does_not_stay(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Server"), apart="web")
    body = error("InsufficientInstanceCapacity", "none left").body
    cloud.proxy.plant(hostile.refuse(400, body=body), when="RunInstances")
    with pytest.raises(PortError) as caught:
        rig.make("Server", inputs)
    assert caught.value.reason == "capacity"
    assert "placement" not in cloud.standing()
    assert rig.make("Server", inputs).inputs == inputs


def test_group_of_another_strategy_is_refused(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Server"), apart="web")
    cloud.proxy.plant(hostile.replace("<strategy>spread<", "<strategy>cluster<"), when="DescribePlacementGroups")
    with pytest.raises(PortError, match="cluster") as caught:
        rig.make("Server", inputs)
    assert caught.value.reason == "conflict"
    assert "RunInstances" not in cloud.proxy.actions()
    cloud.spread.clear()


def test_speed_is_bought_and_given_back(rig: Rig, cloud: Cloud) -> None:
    inputs = msgspec.structs.replace(rig.inputs("Volume"), size_gib=10, iops=3500)
    made = rig.make("Volume", inputs)
    plain = msgspec.structs.replace(inputs, iops=0)
    # Nobody asked for what is paid for: that is drift, and goes.
    seen = rig.store("Volume").read(made.id, plain)
    assert seen is not None
    assert getattr(seen.inputs, "iops", 0) == 3500
    assert rig.store("Volume").update(made.id, inputs, plain).inputs == plain
    assert cloud.client().describe_volumes(VolumeIds=[made.id])["Volumes"][0]["Iops"] == 3000
    for sort, iops in (("gp2", 3500), ("gp3", 100), ("io1", 0)):
        with pytest.raises(PortError) as caught:
            rig.make("Volume", msgspec.structs.replace(inputs, storage_class=sort, iops=iops))
        assert caught.value.reason == "invalid"
    fast = msgspec.structs.replace(inputs, storage_class="io2", iops=200)
    assert rig.make("Volume", fast).inputs == fast
