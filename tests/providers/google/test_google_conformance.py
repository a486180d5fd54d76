"""The adapter of Google Cloud under the conformance suite, on the fake."""

from providers.conformance import StoreContract
from providers.google import GoogleProvider


class TestGoogle(StoreContract):
    adapter = GoogleProvider
