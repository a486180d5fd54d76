"""Zones and records through the real engine and plugin, at a name server whose answers get lost."""

from tests.nameserver import NameServer
from tests.providers.house import House, inputs
from tests.providers.rfc2136.between import Between, Forward, is_update
from tests.providers.rfc2136.desk import Desk


def test_names_come_up_once_and_go_away_though_answers_get_lost(
    engine_house: House, server: NameServer, desk: Desk, proxy: Between
) -> None:
    lost: list[bytes] = []
    options = {**server.options, "dns_server": f"127.0.0.1:{proxy.port}", "dns_zones": desk.domain}
    engine_house.move("lab", "lab:north", options)

    def program() -> None:
        from providers import sdk

        zone = sdk.DnsZone("zone", **inputs("zone", domain=desk.domain))
        for label, address in (("@", "192.0.2.1"), ("www", "192.0.2.2")):
            sdk.DnsRecord(
                f"at-{address[-1]}",
                **inputs(f"at-{address[-1]}", zone=zone.id, label=label, type="A", values=[address]),
            )

    def lose(message: bytes, forward: Forward) -> bytes:
        answer = forward(message)
        if is_update(message) and len(lost) < 3:
            lost.append(message)
            return b""
        return answer

    proxy.act = lose
    engine_house.up(program)
    assert len(lost) == 3
    assert (server.says(desk.domain, "A"), desk.says("www", "A")) == (["192.0.2.1"], ["192.0.2.2"])
    assert len(desk.records().list()) == 2
    ids = {entry["id"] for entry in engine_house.export()}
    updates: list[bytes] = []

    def count(message: bytes, forward: Forward) -> bytes:
        if is_update(message):
            updates.append(message)
        return forward(message)

    proxy.act = count
    engine_house.up(program)
    assert (updates, {entry["id"] for entry in engine_house.export()}) == ([], ids)
    assert server.key.encode() not in engine_house.state_bytes()
    engine_house.engine.destroy(engine_house.unit().id)
    assert (desk.records().list(), desk.zones().list()) == ((), ())
    assert server.says(desk.domain, "A") == desk.says("www", "A") == []
