"""What the places' adapters can make: a plan that needs something else is refused when it is made, with the reason."""

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar, Protocol

import msgspec

from blueprints.bills.remarks import Mandate
from blueprints.model import Blueprint, Wanted
from policy.register import Place
from pse.core.documents.plan import Unit
from pse.core.errors import BadInput, MissingTool
from pse.core.findings import Finding, Severity

if TYPE_CHECKING:
    from providers.ports import Provider

_EVERYWHERE = frozenset({"Network", "Subnet", "KeyPair"})
_SERVER = frozenset({"Firewall", "Server", "Server.firewalls", "Server.userData"})
_VOLUME = frozenset({"Volume", "Attachment"})


class Needing(Protocol):
    """A blueprint that builds more than servers with firewalls and volumes.

    Attributes:
        needs: What an adapter must be able to make for it, as in `providers.ports.Provider.lacks`: ``Kind`` or
            ``Kind.wireName``.
    """

    needs: ClassVar[Collection[str]]


class Ability(msgspec.Struct, frozen=True, kw_only=True):
    """What one adapter can make; see `providers.ports.Provider`.

    Attributes:
        provider: Its name.
        kinds: Kinds that it makes.
        lacks: Kinds and inputs that it does not, with the reason.
        images: The only images that it has, where it knows that without asking a cloud.
    """

    provider: str
    kinds: frozenset[str]
    lacks: Mapping[str, str]
    images: frozenset[str] | None = None

    def unable(self, needs: Iterable[str]) -> tuple[str, ...]:
        """What of ``needs`` it cannot make, in words."""
        return tuple(
            f"the provider {self.provider} makes no {need}: {self.lacks.get(need, 'unknown to it')}"
            for need in sorted(needs)
            if need in self.lacks or need.partition(".")[0] not in self.kinds
        )

    def no_image(self, unit: Unit) -> tuple[str, ...]:
        """What servers of ``unit`` are to start from and it does not have, in words."""
        known = self.images
        wanted = sorted({server.image for server in unit.servers})
        return tuple(
            f"the provider {self.provider} has no image {image!r}; it has {', '.join(sorted(known))}"
            for image in wanted
            if known is not None and image not in known
        )


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """The places of the register, as planning looks at them.

    Attributes:
        mandate: The in-country mandate, with every place's country.
        abilities: What the adapters can make, by place id; a place that is not in it is taken to make everything.
    """

    mandate: Mandate
    abilities: Mapping[str, Ability]


def abilities_of(places: Iterable[Place]) -> tuple[dict[str, Ability], tuple[Finding, ...]]:
    """What can be made at each place, by place id; with a finding for an adapter that could not be asked (PSE-B031)."""
    from providers.registry import fitted

    at: dict[str, list[Place]] = {}
    for place in places:
        at.setdefault(place.provider, []).append(place)
    found: dict[str, Ability] = {}
    findings: list[Finding] = []
    for name, those in sorted(at.items()):
        try:
            found |= {place.id: _ability(fitted(name, place.options), name) for place in those}
        except (BadInput, MissingTool) as exc:
            ids = ", ".join(sorted(place.id for place in those))
            findings.append(
                Finding(
                    code="PSE-B031",
                    severity=Severity.WARNING,
                    subject=name or "provider",
                    message=f"whether {ids} can make what is planned is not known: {exc.message}",
                    remedy=exc.hint,
                    source="register",
                )
            )
    return found, tuple(findings)


def _ability(adapter: "type[Provider]", name: str) -> Ability:
    images: Collection[str] | None = getattr(adapter, "images", None)  # see `providers.ports.FixedImages`
    return Ability(
        provider=name,
        kinds=frozenset(adapter.kinds),
        lacks=dict(adapter.lacks),
        images=None if images is None else frozenset(images),
    )


class Able:
    """What the adapters of places can make, looked up for many workloads that need the same."""

    def __init__(self, abilities: Mapping[str, Ability]) -> None:
        """Look into ``abilities``, by place id."""
        self._abilities = abilities
        self._unable: dict[tuple[str, frozenset[str]], tuple[str, ...]] = {}

    def unable(self, place: str, needs: frozenset[str]) -> tuple[str, ...]:
        """What of ``needs`` cannot be made at ``place``, in words; nothing where its adapter could not be asked."""
        key = (place, needs)
        if key not in self._unable:
            ability = self._abilities.get(place)
            self._unable[key] = ability.unable(needs) if ability else ()
        return self._unable[key]


def needs_of(blueprint: Blueprint, wanted: Wanted) -> frozenset[str]:
    """What an adapter must be able to make for ``wanted`` as ``blueprint`` builds it."""
    needs = _EVERYWHERE | (_SERVER if wanted.servers else frozenset())
    if any(demand.volumes for demand in wanted.servers):
        needs |= _VOLUME
    if any(demand.constraints.apart for demand in wanted.servers):
        needs |= {"Server.apart"}
    more: Collection[str] = getattr(blueprint, "needs", ())  # see `Needing`
    return needs.union(more)


def missing_images(units: Iterable[Unit], abilities: Mapping[str, Ability]) -> Iterable[Finding]:
    """Planned servers whose image the place's adapter does not have (PSE-B032)."""
    for unit in units:
        ability = abilities.get(unit.place)
        for words in ability.no_image(unit) if ability is not None else ():
            yield Finding(
                code="PSE-B032",
                severity=Severity.ERROR,
                subject=unit.id,
                message=f"`pse up` will refuse it: {words}",
                remedy="Take the image out of the price book, or register a place whose provider has it.",
                source=unit.place,
            )
