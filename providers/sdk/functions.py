"""What a program may ask about a place; the plugin answers, behind the unit's gate."""

from typing import Any, TypeVar

import msgspec
import pulumi

from pse.core.schema import FUNCTIONS, GetImageResult, GetPriceResult, GetShapeResult, Told

T = TypeVar("T", bound=Told)


def get_image(*, place: str, name: str, opts: pulumi.InvokeOptions | None = None) -> GetImageResult:
    """The newest image of a name at a place.

    Args:
        place: Place id; the unit's gate has to allow it.
        name: As the price book or the cloud calls it.
        opts: Pulumi's options.

    Raises:
        Exception: There is none, or the gate refuses the place.
    """
    return _ask("getImage", GetImageResult, {"place": place, "name": name}, opts)


def get_shape(
    *,
    place: str,
    vcpus: int,
    memory_mib: int,
    architecture: str = "x86_64",
    opts: pulumi.InvokeOptions | None = None,
) -> GetShapeResult:
    """The cheapest shape of the price book that is large enough.

    Args:
        place: Place id; the unit's gate has to allow it.
        vcpus: At least.
        memory_mib: MiB at least.
        architecture: Exactly.
        opts: Pulumi's options.

    Raises:
        Exception: There is none, or the gate refuses the place.
    """
    asked = {"place": place, "vcpus": vcpus, "memoryMib": memory_mib, "architecture": architecture}
    return _ask("getShape", GetShapeResult, asked, opts)


def get_price(
    *, place: str, kind: str, name: str, quantity: int = 1, opts: pulumi.InvokeOptions | None = None
) -> GetPriceResult:
    """What an offer of the price book costs a month; ``priced`` is false where it has no price.

    Args:
        place: Place id; the unit's gate has to allow it.
        kind: Kind of the offer, for example ``compute``.
        name: Its name, for example ``std-2-8``.
        quantity: How many, in the offer's unit.
        opts: Pulumi's options.

    Raises:
        Exception: There is no such offer, or the gate refuses the place.
    """
    return _ask("getPrice", GetPriceResult, {"place": place, "kind": kind, "name": name, "quantity": quantity}, opts)


def _ask(name: str, cls: type[T], asked: dict[str, Any], opts: pulumi.InvokeOptions | None) -> T:
    told = pulumi.runtime.invoke(FUNCTIONS[name].token, asked, opts).value
    return msgspec.convert(told, cls, strict=False)
