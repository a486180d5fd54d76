"""Which account an object was made in: that an id is not found in another one does not say that the object is gone.

The register's entry may be signed anew, and credentials are whatever the environment has. So the state keeps with each
object the account that it was seen in, as a property that Pulumi takes for the provider's own.
"""

from collections.abc import Mapping
from typing import Any

from providers.identity import ACCOUNT, Urn
from providers.plugin.session import Session
from pse.core.errors import Refused
from pse.core.text import printable


class OtherAccount(Refused):
    """Nobody knows whether the object is gone: it was made in another account than the one that was asked."""

    code = "other-account"


def mark(session: Session, place: str) -> dict[str, str]:
    """What the state is to keep of where an object is; nothing where that cannot be told."""
    account = session.account_at(place)
    return {ACCOUNT: account} if account else {}


def must_be_the_same(session: Session, urn: Urn, object_id: str, place: str, state: Mapping[str, Any]) -> None:
    """See that an object that is not found is gone, and not only somewhere else.

    Raises:
        OtherAccount: The state has it in another account than the one that was asked, or that one cannot be told.
    """
    before = state.get(ACCOUNT)
    if not isinstance(before, str) or not before:
        return
    now = session.account_at(place)
    if now != before:
        asked = f"{now} was asked" if now else "which account was asked cannot be told"
        raise OtherAccount(
            f"{object_id} is not found, but it was made in {printable(before)}, and {printable(asked)}",
            where=urn.text,
            hint=f"Use the credentials, and the register's entry of {place}, that it was made with. Where it is surely "
            f"gone there, `pulumi state delete '{urn.text}'` makes the stack forget it.",
        )
