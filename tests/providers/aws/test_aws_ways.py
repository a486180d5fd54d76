"""Ways in and out at AWS: gateways with their route tables, and public addresses."""

from collections.abc import Iterator

import msgspec
import pytest

from providers.aws import AwsProvider
from providers.conformance import Rig
from providers.ports import PartlyMade, PortError
from pse.core.schema import AddressInputs, RouterInputs
from tests.fakes import hostile
from tests.fakes.ec2 import error
from tests.providers.aws.cloud import PLACE, REGION, Cloud, rig_of


@pytest.fixture
def rig(cloud: Cloud, shared: AwsProvider) -> Iterator[Rig]:
    with rig_of(cloud, shared) as rig:
        yield rig


def router(rig: Rig) -> RouterInputs:
    inputs = rig.inputs("Router")
    assert isinstance(inputs, RouterInputs)
    return inputs


def test_router_leads_its_subnets_out_and_others_nowhere(rig: Rig, cloud: Cloud) -> None:
    inputs = router(rig)
    made = rig.make("Router", inputs)
    ec2 = cloud.client()

    def out() -> dict[str, list[str]]:
        tables = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [inputs.network]}])["RouteTables"]
        return {
            found.get("SubnetId", "main"): [route["GatewayId"] for route in table["Routes"] if "GatewayId" in route]
            for table in tables
            for found in table["Associations"]
        }

    assert out() == {"main": ["local"], inputs.subnets[0]: ["local", made.id]}
    # EC2 lets such a subnet go, and with it the way out of whoever comes next.
    with pytest.raises(PortError) as caught:
        rig.store("Subnet").delete(inputs.subnets[0])
    assert caught.value.reason == "in-use"
    # Drift: somebody takes the route away.
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "tag:pse-router", "Values": [made.id]}])["RouteTables"]
    ec2.delete_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0")
    seen = rig.store("Router").read(made.id, inputs)
    assert seen is not None
    assert seen.reasons == ("no route leads to it",)
    assert rig.store("Router").update(made.id, inputs, inputs) == made
    assert out() == {"main": ["local"], inputs.subnets[0]: ["local", made.id]}


@pytest.mark.parametrize("call", ["AttachInternetGateway", "CreateRouteTable", "CreateRoute", "AssociateRouteTable"])
def test_router_that_failed_half_way_is_kept_with_its_id_and_repaired(rig: Rig, cloud: Cloud, call: str) -> None:
    inputs, identity = router(rig), rig.identity()
    cloud.proxy.plant(hostile.refuse(400, body=error("UnauthorizedOperation", "no").body), when=call)
    with pytest.raises(PartlyMade) as caught:
        rig.make("Router", inputs, identity)
    (found,) = rig.store("Router").find(identity.stack, identity.urn)
    assert (found.id, found.healthy) == (caught.value.made.id, call == "AssociateRouteTable")
    mended = rig.store("Router").update(found.id, found.inputs, inputs)
    assert (mended.healthy, mended.inputs) == (True, inputs)
    rig.store("Router").delete(found.id)


def test_lost_answers_leave_one_route_table(rig: Rig, cloud: Cloud) -> None:
    inputs, identity = router(rig), rig.identity()
    cuts = [cloud.proxy.plant(hostile.cut_after, when=call)
            for call in ("CreateRouteTable", "CreateRoute", "AssociateRouteTable")]  # fmt: skip
    for _ in cuts:
        with pytest.raises(PartlyMade):
            rig.store("Router").create(inputs, identity=identity)
    made = rig.make("Router", inputs, identity)
    assert [cut.hits for cut in cuts] == [1, 1, 1]
    assert made.inputs == inputs
    assert len(cloud.standing()["table"]) == len(cloud.standing()["gateway"]) == 1


def test_ids_mean_something_in_the_callers_account_and_region(rig: Rig, cloud: Cloud) -> None:
    assert isinstance(rig.provider, AwsProvider)
    assert rig.provider.account() == rig.provider.account() == f"123456789012/{REGION}"
    assert [r.action for r in cloud.proxy.requests if r.service == "sts"].count("GetCallerIdentity") <= 1


def test_network_takes_one_router(rig: Rig, cloud: Cloud) -> None:
    inputs = router(rig)
    rig.make("Router", inputs)
    with pytest.raises(PortError) as caught:
        rig.make("Router", inputs)
    assert caught.value.reason == "conflict"
    assert len(cloud.standing()["gateway"]) == 1


def test_address_moves_in_one_step_and_comes_back(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("Address")
    first = rig.changed("Address", made.inputs)
    assert isinstance(first, AddressInputs)
    at_first = rig.store("Address").update(made.id, made.inputs, first)
    # EC2 lets no gateway go while an address leads through it.
    with pytest.raises(PortError) as caught:
        rig.store("Router").delete(first.router)
    assert caught.value.reason == "in-use"
    assert live(rig, first.router).subnets
    subnet = rig.store("Server").read(first.server, None)
    assert subnet is not None
    server = msgspec.structs.replace(rig.inputs("Server"), subnet=getattr(subnet.inputs, "subnet", ""))
    second = msgspec.structs.replace(first, server=rig.make("Server", server).id)
    cloud.proxy.calm()
    cut = cloud.proxy.plant(hostile.cut_after, when="AssociateAddress")
    with pytest.raises(PortError):
        rig.store("Address").update(made.id, first, second)
    moved = rig.store("Address").update(made.id, first, second)
    assert cut.hits == 1
    assert moved.inputs == second
    assert moved.outputs == at_first.outputs
    assert "DisassociateAddress" not in cloud.proxy.actions()
    back = rig.store("Address").update(made.id, second, msgspec.structs.replace(second, server=""))
    assert getattr(back.inputs, "server", "?") == ""


def test_address_of_another_border_group_is_given_back(rig: Rig, cloud: Cloud) -> None:
    inputs, group = rig.inputs("Address"), f"{REGION}-lax-1"
    cloud.proxy.plant(hostile.replace(f"Group>{REGION}</", f"Group>{group}</"), when="DescribeAddresses", times=99)
    with pytest.raises(PortError, match=group) as caught:
        rig.make("Address", inputs)
    assert (caught.value.vendor_code, caught.value.where) == ("WrongPlace", PLACE)
    cloud.proxy.calm()
    assert "address" not in cloud.standing()


def live(rig: Rig, object_id: str) -> RouterInputs:
    found = rig.store("Router").read(object_id, None)
    assert found is not None
    assert isinstance(found.inputs, RouterInputs)
    return found.inputs
