"""Load balancers at AWS: listeners, target groups and members, and what they leave."""

from collections.abc import Iterator

import msgspec
import pytest

from providers.aws import AwsProvider
from providers.conformance import Rig
from providers.ports import PartlyMade, PortError
from pse.core.schema import Listener, LoadBalancerInputs, ServerInputs
from tests.fakes import hostile
from tests.fakes.elb import refusal
from tests.providers.aws.cloud import PLACE, REGION, ZONE, Cloud, rig_of
from tests.providers.pem import certificate

WEB = Listener(protocol="http", port=80, member_port=8080, health_path="/healthy")
SQL = Listener(protocol="tcp", port=5432, member_port=5432)


@pytest.fixture
def rig(cloud: Cloud, shared: AwsProvider) -> Iterator[Rig]:
    with rig_of(cloud, shared) as rig:
        yield rig


def balanced(rig: Rig) -> LoadBalancerInputs:
    """One server behind two ports, in a firewall."""
    server = rig.make("Server")
    assert isinstance(server.inputs, ServerInputs)
    subnet = rig.store("Subnet").read(server.inputs.subnet, None)
    assert subnet is not None
    network = getattr(subnet.inputs, "network", "")
    firewall = rig.make("Firewall", msgspec.structs.replace(rig.inputs("Firewall"), network=network))
    inputs = rig.inputs("LoadBalancer")
    assert isinstance(inputs, LoadBalancerInputs)
    return msgspec.structs.replace(
        inputs, subnets=(subnet.id,), firewalls=(firewall.id,), servers=(server.id,), listeners=(WEB, SQL)
    )


def test_balancer_follows_its_inputs_and_leaves_nothing(rig: Rig, cloud: Cloud) -> None:
    inputs = balanced(rig)
    made = rig.make("LoadBalancer", inputs)
    assert made.inputs == inputs
    assert getattr(made.outputs, "host_name", "").endswith("amazonaws.com")
    # What a network balancer holds is held.
    with pytest.raises(PortError) as caught:
        rig.store("Firewall").delete(inputs.firewalls[0])
    assert caught.value.reason == "in-use"
    # Another port at the members, another health check, no firewall, no server, a port less.
    moved = msgspec.structs.replace(WEB, member_port=9090, health_path="")
    wanted = msgspec.structs.replace(inputs, listeners=(moved,), firewalls=(), servers=())
    assert rig.store("LoadBalancer").update(made.id, inputs, wanted).inputs == wanted
    elb = cloud.client(service="elbv2")
    (group,) = elb.describe_target_groups()["TargetGroups"]
    assert (group["Port"], group["HealthCheckProtocol"]) == (9090, "TCP")
    # Drift: somebody takes the listener away.
    (listener,) = elb.describe_listeners(LoadBalancerArn=made.id)["Listeners"]
    elb.delete_listener(ListenerArn=listener["ListenerArn"])
    seen = rig.store("LoadBalancer").read(made.id, wanted)
    assert seen is not None
    assert getattr(seen.inputs, "listeners", None) == ()
    assert rig.store("LoadBalancer").update(made.id, wanted, inputs).inputs == inputs
    rig.store("LoadBalancer").delete(made.id)
    assert {"balancer", "target"} & cloud.standing().keys() == set()


@pytest.mark.parametrize("call", ["CreateTargetGroup", "RegisterTargets", "CreateListener"])
def test_balancer_whose_part_got_lost_is_finished_with_the_same_parts(rig: Rig, cloud: Cloud, call: str) -> None:
    inputs, identity = balanced(rig), rig.identity()
    cut = cloud.proxy.plant(hostile.cut_after, when=call)
    with pytest.raises(PartlyMade) as caught:
        rig.make("LoadBalancer", inputs, identity)
    made = rig.make("LoadBalancer", inputs, identity)
    assert (cut.hits, made.id, made.inputs) == (1, caught.value.made.id, inputs)
    assert len(cloud.standing()["target"]) == 2


def test_delete_that_broke_off_after_the_balancer_takes_its_target_groups_along(rig: Rig, cloud: Cloud) -> None:
    made = rig.make("LoadBalancer")
    cut = cloud.proxy.plant(hostile.cut_before, when="DeleteTargetGroup", times=1)
    cloud.proxy.plant(hostile.refuse(400, body=refusal("AccessDenied", "no").body), when="DeleteTargetGroup")
    with pytest.raises(PortError):
        rig.store("LoadBalancer").delete(made.id)
    assert cut.hits == 1
    assert "balancer" not in cloud.standing()
    rig.store("LoadBalancer").delete(made.id)
    assert "target" not in cloud.standing()


def test_what_one_balancer_cannot_be_is_refused_before_any_call(rig: Rig, cloud: Cloud) -> None:
    inputs = rig.inputs("LoadBalancer")
    assert isinstance(inputs, LoadBalancerInputs)
    wrong = (
        msgspec.structs.replace(inputs, listeners=(msgspec.structs.replace(WEB, protocol="https"),)),
        msgspec.structs.replace(inputs, subnets=inputs.subnets * 2),
    )
    cloud.proxy.calm()
    for one in wrong:
        with pytest.raises(PortError) as caught:
            rig.make("LoadBalancer", one)
        assert caught.value.reason == "invalid"
    assert cloud.proxy.actions() == []


def test_balancer_somewhere_else_is_never_adopted(rig: Rig, cloud: Cloud) -> None:
    identity = rig.identity()
    made = rig.make("LoadBalancer", identity=identity)
    cloud.proxy.plant(
        hostile.replace(f"<ZoneName>{ZONE}<", f"<ZoneName>{REGION}b<"), when="DescribeLoadBalancers", times=99
    )
    with pytest.raises(PortError) as caught:
        rig.store("LoadBalancer").find(identity.stack, identity.urn)
    assert caught.value.vendor_code == "WrongPlace"
    cloud.proxy.calm()
    assert rig.store("LoadBalancer").read(made.id, made.inputs) == made


def test_https_ends_tls_with_the_balancers_own_certificate(rig: Rig, cloud: Cloud) -> None:
    first, second = certificate(), certificate("other.example")
    inputs = secured(rig, first)
    made = rig.make("LoadBalancer", inputs)
    assert made.inputs == inputs
    assert {(aspect.what, aspect.where, aspect.source) for aspect in made.outputs.placement} == {
        ("resource", PLACE, "set"),
        ("certificate", PLACE, "set"),
    }
    elb = cloud.client(service="elbv2")
    (listener,) = elb.describe_listeners(LoadBalancerArn=made.id)["Listeners"]
    assert (listener["Protocol"], listener["Port"]) == ("TLS", 443)
    assert "TLS13" in listener["SslPolicy"]
    # Another certificate under the same ARN: the listener has it at once.
    (arn,) = cloud.standing()["certificate"]
    assert made.identity is not None
    tags = cloud.client(service="acm").list_tags_for_certificate(CertificateArn=arn)["Tags"]
    assert {"Key": "pse-op", "Value": made.identity.op} in tags
    renewed = msgspec.structs.replace(inputs, certificate=second)
    assert rig.store("LoadBalancer").update(made.id, inputs, renewed).inputs == renewed
    assert cloud.standing()["certificate"] == [arn]
    # Drift: it is not the one that is wanted.
    seen = rig.store("LoadBalancer").read(made.id, inputs)
    assert seen is not None
    assert getattr(seen.inputs, "certificate", "?") == ""
    # Nobody ends TLS any more, and nothing of it stays.
    bare = msgspec.structs.replace(inputs, listeners=(SQL,), certificate="")
    assert rig.store("LoadBalancer").update(made.id, renewed, bare).inputs == bare
    assert "certificate" not in cloud.standing()
    assert rig.store("LoadBalancer").update(made.id, bare, inputs).inputs == inputs
    rig.store("LoadBalancer").delete(made.id)
    assert "certificate" not in cloud.standing()


def test_certificate_of_a_lost_answer_is_taken_up(rig: Rig, cloud: Cloud) -> None:
    inputs, identity = secured(rig, certificate()), rig.identity()
    cloud.proxy.plant(hostile.cut_after, when="ImportCertificate")
    with pytest.raises(PartlyMade) as caught:
        rig.make("LoadBalancer", inputs, identity)
    rig.keep("LoadBalancer", caught.value.made.id)
    assert rig.store("LoadBalancer").update(caught.value.made.id, inputs, inputs).healthy
    assert len(cloud.standing()["certificate"]) == 1


@pytest.mark.parametrize("pem", ["", "hush", "-----BEGIN CERTIFICATE-----\nhush\n-----END CERTIFICATE-----"])
def test_what_is_no_certificate_is_refused_and_not_quoted(rig: Rig, cloud: Cloud, pem: str) -> None:
    inputs = secured(rig, pem)
    with pytest.raises(PortError) as caught:
        rig.make("LoadBalancer", inputs)
    assert caught.value.reason == "invalid"
    assert "hush" not in str(caught.value) + caught.value.hint
    assert "balancer" not in cloud.standing()


def secured(rig: Rig, pem: str) -> LoadBalancerInputs:
    inputs = rig.inputs("LoadBalancer")
    assert isinstance(inputs, LoadBalancerInputs)
    listener = Listener(protocol="https", port=443, member_port=8080)
    return msgspec.structs.replace(inputs, listeners=(listener,), certificate=pem)
