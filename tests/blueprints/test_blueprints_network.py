"""Firewall rules: only what was seen or declared, each with its reason."""

import ipaddress

import msgspec

from blueprints.planning.bundle import Bundle
from blueprints.planning.network import landing_range, subnet_range
from pse.core.documents.plan import PlannedServer
from pse.core.documents.snapshot import Flow, Listener
from pse.core.schema import FirewallRule
from pse.core.settings import Workspace
from tests.blueprints.estates import bundle, ministry_estate


def planned_server(made: Bundle, unit: str, name: str) -> PlannedServer:
    return next(s for s in made.units[unit].servers if s.name == name)


def ports(rules: tuple[FirewallRule, ...]) -> set[tuple[int, str]]:
    return {(r.port, r.peer) for r in rules}


def subnet(made: Bundle) -> str:
    (landing,) = [u for u in made.units.values() if u.landing]
    return subnet_range(landing.cidr)


def test_a_database_is_open_to_its_front_and_to_the_move_only(ministry_plan: Bundle) -> None:
    payments = planned_server(ministry_plan, "portal", "payments")
    assert ports(payments.inbound) == {
        (5432, subnet(ministry_plan)),
        (2222, "192.0.2.12/32"),
        (2222, "127.0.0.0/8"),
    }
    assert all(rule.why for rule in payments.inbound)
    assert (5432, "192.0.2.12/32") in ports(payments.outbound)  # replication from the old database


def test_a_published_server_is_open_to_all_on_its_web_port_only(ministry_plan: Bundle) -> None:
    portal = planned_server(ministry_plan, "portal", "portal")
    assert [r.port for r in portal.inbound if r.peer == "0.0.0.0/0"] == [8080]
    assert (8000, "127.0.0.0/8") in ports(portal.inbound)  # a check of the cut-over
    assert all(r.port != 9000 for r in portal.inbound)  # listens on loopback
    assert (5432, subnet(ministry_plan)) in ports(portal.outbound)


def test_clients_elsewhere_are_let_in_by_their_own_addresses(ministry_plan: Bundle) -> None:
    assert (873, "198.51.100.7/32") in ports(planned_server(ministry_plan, "records", "records").inbound)


def test_a_client_that_is_replaced_by_a_service_is_not_let_in(ministry_plan: Bundle) -> None:
    opendata = planned_server(ministry_plan, "opendata", "opendata")
    assert all("learning" not in rule.why for rule in opendata.inbound)


def test_a_client_that_moves_is_let_in_from_both_sides(planned: Workspace) -> None:
    base = ministry_estate()
    flow = Flow(client="srv-records", server="srv-payments", protocol="tcp", port=9100)
    made = bundle(planned, msgspec.structs.replace(base, flows=(*base.flows, flow)))
    inbound = planned_server(made, "portal", "payments").inbound
    assert {(9100, "192.0.2.13/32"), (9100, subnet(made))} <= ports(inbound)


def test_a_client_that_stays_is_let_in_from_where_it_is(planned: Workspace) -> None:
    base = ministry_estate()
    flow = Flow(client="srv-legacy", server="srv-payments", protocol="tcp", port=9100)
    made = bundle(planned, msgspec.structs.replace(base, flows=(*base.flows, flow)))
    inbound = planned_server(made, "portal", "payments").inbound
    assert [r.peer for r in inbound if r.port == 9100] == [f"{base.servers[-1].addresses[0]}/32"]


def test_web_clients_of_the_internet_are_one_rule(planned: Workspace) -> None:
    base = ministry_estate()
    flows = tuple(
        Flow(client=f"external:8.8.{n}.8", server="srv-records", protocol="tcp", port=443, service="https")
        for n in range(20)
    )
    made = bundle(planned, msgspec.structs.replace(base, flows=(*base.flows, *flows)))
    assert [r.peer for r in planned_server(made, "records", "records").inbound if r.port == 443] == ["0.0.0.0/0"]


def test_a_listener_that_nobody_was_seen_to_use_opens_nothing(planned: Workspace) -> None:
    base = ministry_estate()
    extra = Listener(server="srv-payments", protocol="tcp", address="0.0.0.0", port=23, service="telnet")
    made = bundle(planned, msgspec.structs.replace(base, listeners=(*base.listeners, extra)))
    assert all(r.port != 23 for r in planned_server(made, "portal", "payments").inbound)


def test_a_new_environment_reaches_its_database(ministry_plan: Bundle) -> None:
    database = planned_server(ministry_plan, "analytics", "analytics-database")
    web = planned_server(ministry_plan, "analytics", "analytics-web")
    assert web.needs == ("analytics-database",)
    assert (5432, subnet(ministry_plan)) in ports(database.inbound)
    assert (5432, subnet(ministry_plan)) in ports(web.outbound)
    assert (8080, subnet(ministry_plan)) in ports(web.inbound)


def test_the_range_of_a_landing_zone_is_its_places_alone() -> None:
    places = [f"csp-{number}/region/site" for number in range(500)]
    ranges = {place: landing_range(place) for place in places}
    assert len(set(ranges.values())) > 100
    assert {place: landing_range(place) for place in reversed(places)} == ranges
    for network in ranges.values():
        assert ipaddress.IPv4Network(network).subnet_of(ipaddress.IPv4Network("10.0.0.0/8"))
    assert subnet_range("10.64.0.0/16") == "10.64.0.0/18"
