"""What a place of the register offers by its own API: shapes and storage classes, to write the prices in."""

from collections.abc import Mapping

from providers.places import Places
from providers.ports import TellsOffers
from pse.core.errors import UsageError
from pse.core.settings import Workspace


def sheet(workspace: Workspace, place: str) -> tuple[Mapping[str, str], ...]:
    """Rows of a price sheet without prices.

    Raises:
        BadInput: The register does not list the place.
        Refused: The register is unsigned or altered.
        UsageError: Its cloud lists nothing that way.
        PortError: The cloud said no.
    """
    places = Places(workspace)
    try:
        provider = places.provider(place)
        if not isinstance(provider, TellsOffers):
            raise UsageError(
                f"the provider {provider.name} does not tell what it offers",
                where=place,
                hint="Write the sheet by hand, or ask the seller for one.",
            )
        return provider.offers()
    finally:
        places.close()
