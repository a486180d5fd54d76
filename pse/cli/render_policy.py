"""Views of policy: the register and the ledger."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pse.cli.view import View, grid

if TYPE_CHECKING:
    from policy import Policy
    from pse.core.documents.evidence import LedgerHead


def register_view(policy: "Policy") -> View:
    """The register's places and what holds there."""
    places = policy.register.places
    rows = ((p.id, p.site_name, p.country, p.provider, p.evidence, "sample" if p.sample else "") for p in places)
    return View(
        {"sample": policy.sample, "inputs": policy.inputs, "items": places},
        (grid("Register", "place|site|country|adapter|evidence|", rows),),
    )


def verified_view(policy: "Policy") -> View:
    """The register's signature held: what was read, by hash."""
    rows = sorted(policy.inputs.items())
    return View({"verified": True, "items": policy.inputs}, ("the signature holds", grid("Read", "what|SHA-256", rows)))


def ledger_view(entries: Sequence[Any]) -> View:
    """Ledger entries, oldest first."""
    rows = ((e.number, e.at, e.kind, _words(e.data)) for e in entries)
    return View({"items": entries}, (grid("Ledger", ">entry|when|kind|what", rows),))


def head_view(head: "LedgerHead") -> View:
    """The chain holds up to here."""
    return View(
        {"verified": True, "entries": head.entries, "hash": head.hash},
        (f"the chain holds: {head.entries} entries, last {head.hash[:12]}",),
    )


def _words(data: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value}" for key, value in data.items() if value not in ("", None, [], ()))
