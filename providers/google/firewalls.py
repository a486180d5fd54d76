"""Firewalls: a network tag that servers carry, and the rules whose target it is.

Compute Engine has no groups of rules. So the group is a rule of its own, which lets nothing out, at the lowest
priority; it has the firewall's id as its name, whose it is in its description, and the id as its target. The permitted
flows are rules beside it. It is made first and deleted last, so nothing of a group is ever without an owner.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from providers.google.account import Account, last
from providers.google.marks import described
from providers.google.network import DESCRIPTION, FIREWALLS, NETWORKS, OF_NETWORK, is_shut, shut
from providers.google.rules import body, key_of, live_key, neutral, rule_name
from providers.google.rules import described as reason
from providers.kit.descriptions import read, written
from providers.kit.noun import Query, Seen
from providers.kit.tags import made_name
from providers.ports import Identity, PortError
from pse.core.schema import FirewallInputs, Placement

Raw = Mapping[str, Any]


class Firewalls:
    """See `providers.kit.noun.Noun`. The name ends in the intent, and Google refuses a second one."""

    settle_s: ClassVar[float] = 0

    def __init__(self, account: Account) -> None:
        """Remember the account."""
        self._account = account

    def make(self, inputs: FirewallInputs, identity: Identity) -> str:
        """firewalls.insert of the rule that is the group."""
        name = made_name(inputs.name, identity)
        group = {
            "name": name,
            "description": written(identity, most=DESCRIPTION, workload=inputs.workload),
            "targetTags": [name],
        }
        return self._account.insert(FIREWALLS, group | shut(inputs.network, self._account), identity.op)

    def finish(self, object_id: str, inputs: FirewallInputs) -> None:
        """Bring its rules to those wanted: permit first, then revoke, so that no wanted flow is cut."""
        group, rules = self._account.until(lambda: self._one(object_id), what=f"{object_id} to be listed", seconds=60)
        network = self._account.link(f"{NETWORKS}/{last(group['network'])}")
        wanted = {key_of(rule): reason(rule.why) for rule in inputs.rules}
        if not is_shut(group):
            own = {"name": object_id, "description": group.get("description", ""), "targetTags": [object_id]}
            closed = own | shut(last(group["network"]), self._account)
            self._account.act("PUT", f"{FIREWALLS}/{object_id}", closed)
        taken = {raw["name"] for raw in rules}
        live = {raw["name"]: (live_key(raw), raw.get("description", "")) for raw in rules}
        for key, why in wanted.items():
            name = rule_name(object_id, key)
            if name not in taken:
                self._permit(body(object_id, network, key, why))
            elif live[name] != (key, why):
                self._account.act("PUT", f"{FIREWALLS}/{name}", body(object_id, network, key, why))
        for name in sorted(taken - {rule_name(object_id, key) for key in wanted}):
            self._revoke(name)

        def as_wanted() -> bool | None:
            _, rules = self._one(object_id) or (None, ())
            return True if {live_key(raw): raw.get("description", "") for raw in rules} == wanted else None

        self._account.until(as_wanted, what=f"the rules of {object_id}", seconds=60)

    def seen(self, query: Query, known: FirewallInputs | None) -> Iterator[Seen]:
        """firewalls.list: every group with its rules, and every other rule by itself."""
        raws = list(self._account.pages(FIREWALLS))
        groups = {raw["name"] for raw in raws if _is_group(raw)}
        for raw in raws:
            tags = set(raw.get("targetTags", ()))
            if query.id not in {"", raw["name"]}:
                continue
            if raw["name"] in groups:
                yield self._group(raw, [found for found in raws if _is_of(found, raw["name"])], known)
            elif not tags & groups and not str(raw.get("description", "")).startswith(OF_NETWORK):
                yield self._group(raw, [raw], known)

    def remove(self, object_id: str) -> None:
        """firewalls.delete of its rules, and then of the group."""
        found = self._one(object_id)
        for raw in found[1] if found else ():
            self._revoke(raw["name"])
        self._account.act("DELETE", f"{FIREWALLS}/{object_id}")

    def _one(self, object_id: str) -> tuple[Raw, Sequence[Raw]] | None:
        raws = list(self._account.pages(FIREWALLS))
        group = next((raw for raw in raws if raw["name"] == object_id), None)
        return None if group is None else (group, [raw for raw in raws if _is_of(raw, object_id)])

    def _group(self, raw: Raw, rules: Sequence[Raw], known: FirewallInputs | None) -> Seen:
        owner, (_, notes) = described(raw), read(raw.get("description"))
        placement = [Placement("resource", self._account.place, "set")]
        if any(rule.get("logConfig", {}).get("enable") for rule in (raw, *rules)):
            # Where Logging keeps them is said by the project's sinks, not here.
            placement.append(Placement("log", "firewall logs", "unknown"))
        open_ = owner["identity"] is not None and not is_shut(raw)
        return Seen(
            id=raw["name"],
            **owner,
            inputs={
                "network": last(raw["network"]),
                "rules": neutral(rules, known.rules if known is not None else ()),
                "workload": notes.get("workload", ""),
            },
            placement=tuple(placement),
            reasons=("nothing closes it: what no rule permits gets out",) if open_ else (),
        )

    def _permit(self, rule: Raw) -> None:
        try:
            self._account.act("POST", FIREWALLS, rule)
        except PortError as exc:
            # An earlier try whose answer was lost did it; or somebody used the name for something else.
            if exc.reason != "conflict":
                raise
            self._account.act("PUT", f"{FIREWALLS}/{rule['name']}", rule)

    def _revoke(self, name: str) -> None:
        try:
            self._account.act("DELETE", f"{FIREWALLS}/{name}")
        except PortError as exc:
            if exc.reason != "not-found":
                raise


def _is_group(raw: Raw) -> bool:
    return described(raw)["identity"] is not None


def _is_of(raw: Raw, group: str) -> bool:
    return group in raw.get("targetTags", ()) and raw["name"] != group
