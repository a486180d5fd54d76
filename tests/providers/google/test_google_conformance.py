"""The adapter of Google Cloud under the conformance suite, on the fake."""

from collections.abc import Mapping
from typing import ClassVar

from providers.conformance import StoreContract
from providers.google import GoogleProvider


class TestGoogle(StoreContract):
    adapter = GoogleProvider
    unable: ClassVar[Mapping[str, str]] = {
        "range_that_is_none_is_refused": "a network has no range of its own at Google",
        "subnet_outside_its_network_is_refused": "a network has no range of its own at Google",
    }
