"""Routers are Cloud Routers with a NAT for the subnets that they serve; addresses are regional external addresses.

Both are of the network tier ``STANDARD``, whose traffic enters and leaves Google's network in the region; with the
other tier, ``PREMIUM``, it does so at the edge nearest to the user, which may be in any country.
"""

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from providers.google.account import Account, last
from providers.google.marks import described, filtered, labelled
from providers.google.network import DESCRIPTION, NETWORKS
from providers.kit.descriptions import read, written
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name, tags_of
from providers.ports import Identity, PortError
from pse.core.schema import AddressInputs, Placement, RouterInputs

NAT = "nat"
TIER = "STANDARD"
FACE, ACCESS = "nic0", "External NAT"
_LISTED = "LIST_OF_SUBNETWORKS"
Raw = Mapping[str, Any]


class Routers:
    """See `providers.kit.noun.Noun`. The name ends in the intent, and Google refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._path = f"{account.regional}/routers"

    def make(self, inputs: RouterInputs, identity: Identity) -> str:
        """routers.insert in the place's region, with its NAT."""
        body = {
            "name": made_name(inputs.name, identity),
            "description": written(identity, most=DESCRIPTION, workload=inputs.workload),
            "network": self._account.link(f"{NETWORKS}/{inputs.network}"),
            "nats": self._nats(inputs),
        }
        return self._account.insert(self._path, body, identity.op)

    def finish(self, object_id: str, inputs: RouterInputs) -> None:
        """Bring the NAT to the subnets wanted."""
        raw = self._account.needed(f"{self._path}/{object_id}", "router")
        if _served(raw) != set(inputs.subnets) or len(raw.get("nats", ())) != bool(inputs.subnets):
            # A PUT, as Google's library leaves an empty list out of a PATCH.
            kept: dict[str, Any] = {
                key: raw[key] for key in ("name", "description", "network", "bgp", "interfaces") if key in raw
            }
            self._account.act("PUT", f"{self._path}/{object_id}", {**kept, "nats": self._nats(inputs)})

    def seen(self, query: Query, known: RouterInputs | None) -> Iterator[Seen]:
        """routers.get or routers.list."""
        one = self._account.get(f"{self._path}/{query.id}") if query.id else None
        for raw in ([one] if one else []) if query.id else self._account.pages(self._path):
            served, (_, notes) = _served(raw), read(raw.get("description"))
            same = known is not None and set(known.subnets) == served
            placement = [self._account.placed("resource", raw.get("region"))]
            nats: list[dict[str, Any]] = raw.get("nats", [])
            if any(nat.get("logConfig", {}).get("enable") for nat in nats):
                placement.append(Placement("log", "NAT logs", "unknown"))
            if any(nat.get("autoNetworkTier", "PREMIUM") != TIER for nat in nats):
                placement.append(Placement("way out", "PREMIUM", "unknown"))
            placement += [Placement("peering", str(peer.get("name")), "unknown") for peer in raw.get("bgpPeers", ())]
            yield Seen(
                id=raw["name"],
                **described(raw),
                inputs={
                    "network": last(raw["network"]),
                    "subnets": known.subnets if known is not None and same else tuple(sorted(served)),
                    "workload": notes.get("workload", ""),
                },
                placement=tuple(placement),
            )

    def remove(self, object_id: str) -> None:
        """routers.delete; its NAT goes with it."""
        self._account.act("DELETE", f"{self._path}/{object_id}")

    def _nats(self, inputs: RouterInputs) -> list[dict[str, Any]]:
        if not inputs.subnets:
            return []
        links = [self._account.link(f"{self._account.regional}/subnetworks/{subnet}") for subnet in inputs.subnets]
        return [
            {
                "name": NAT,
                "natIpAllocateOption": "AUTO_ONLY",
                "autoNetworkTier": TIER,
                "sourceSubnetworkIpRangesToNat": _LISTED,
                "subnetworks": [{"name": link, "sourceIpRangesToNat": ["ALL_IP_RANGES"]} for link in links],
            }
        ]


class Addresses:
    """See `providers.kit.noun.Noun`. The name ends in the intent, and Google refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account
        self._path = f"{account.regional}/addresses"

    def make(self, inputs: AddressInputs, identity: Identity) -> str:
        """addresses.insert in the place's region; the router, which Google does not ask for, is a note."""
        self._account.needed(f"{self._account.regional}/routers/{inputs.router}", "router")
        body = {
            "name": made_name(inputs.name, identity),
            "description": written(identity, most=DESCRIPTION, workload=inputs.workload, router=inputs.router),
            "labels": tags_of(identity),
            "addressType": "EXTERNAL",
            "networkTier": TIER,
        }
        return self._account.insert(self._path, body, identity.op)

    def finish(self, object_id: str, inputs: AddressInputs) -> None:
        """Let the wanted server answer, and no other."""
        raw = self._account.needed(f"{self._path}/{object_id}", "address")
        if _user(raw) == inputs.server:
            return
        self._leave(raw)
        if inputs.server:
            self._join(raw, inputs.server)

        def answers() -> bool | None:
            found = self._account.get(f"{self._path}/{object_id}")
            return True if found is not None and _user(found) == inputs.server else None

        self._account.until(answers, what=f"{object_id} to be at {inputs.server or 'no server'}", seconds=60)

    def seen(self, query: Query, known: AddressInputs | None) -> Iterator[Seen]:
        """addresses.get or addresses.list, without internal ones and those of a NAT."""
        one = self._account.get(f"{self._path}/{query.id}") if query.id else None
        for raw in ([one] if one else []) if query.id else self._account.pages(self._path, **filtered(query.tags)):
            if raw.get("addressType", "EXTERNAL") != "EXTERNAL" or raw.get("purpose") == "NAT_AUTO":
                continue
            _, notes = read(raw.get("description"))
            placement = [self._account.placed("resource", raw.get("region"))]
            if raw.get("networkTier", "PREMIUM") != TIER:
                placement.append(Placement("way in", "PREMIUM", "unknown"))
            yield Seen(
                id=raw["name"],
                **labelled(raw),
                inputs={
                    "router": notes.get("router", known.router if known is not None else ""),
                    "server": _user(raw),
                    "workload": notes.get("workload", ""),
                },
                outputs={"address": raw.get("address", "")},
                placement=tuple(placement),
            )

    def remove(self, object_id: str) -> None:
        """addresses.delete, after no server answers there any more."""
        raw = self._account.get(f"{self._path}/{object_id}")
        if raw is not None:
            self._leave(raw)
        self._account.act("DELETE", f"{self._path}/{object_id}")

    def _join(self, raw: Raw, server: str) -> None:
        self._account.needed(f"{self._account.zonal}/instances/{server}", "server")
        config = {"type": "ONE_TO_ONE_NAT", "name": ACCESS, "natIP": raw["address"], "networkTier": TIER}
        path = f"{self._account.zonal}/instances/{server}/addAccessConfig"
        self._account.act("POST", path, config, networkInterface=FACE)

    def _leave(self, raw: Raw) -> None:
        user = _user(raw)
        server = self._account.get(f"{self._account.zonal}/instances/{user}") if user else None
        for face in (server or {}).get("networkInterfaces", ()):
            for config in face.get("accessConfigs", ()):
                if config.get("natIP") == raw["address"]:
                    path = f"{self._account.zonal}/instances/{user}/deleteAccessConfig"
                    self._account.act("POST", path, networkInterface=face["name"], accessConfig=config["name"])
        if user and server is None:
            raise PortError(f"{raw['name']} is used by {user}", reason="in-use", where=self._account.place)


def _served(raw: Raw) -> set[str]:
    """Subnets that a router's NATs serve; ``*`` where one serves all that there are or will be."""
    found: set[str] = set()
    for nat in raw.get("nats", ()):
        found |= {last(entry.get("name")) for entry in nat.get("subnetworks", ())}
        found |= set() if nat.get("sourceSubnetworkIpRangesToNat") == _LISTED else {"*"}
    return found


def _user(raw: Raw) -> str:
    return last(next(iter(raw.get("users", ())), ""))
