"""Compute Engine on a loopback port: a strict fake that the discovery document of google-api-python-client drives.

The buckets of Cloud Storage are there too, by their own document. A call has to fit the document: its route, the
patterns of its path, its query parameters, and its body by schema (names, types, enums, patterns, what an insert
requires, nothing that only the service may set). Behind that stands a small world that keeps what was made: references
have to exist, what is used is not deleted, fingerprints have to be the newest, a requestId that came before gives the
operation that it gave then, and what runs out of quota fails inside its operation.

What it does not check: who calls and what he may; billing; IAM and organisation policies; the sizes and combinations
that a machine or disk type allows; whether a quota of Google's own is reached (only those that a test sets); peerings,
routes, IPv6, secondary ranges; ranges that Google reserves; metadata's limits of size; what a guest would do with its
metadata; that a KMS key exists or may be used; objects of a bucket; what only Cloud Storage may set, as its document
does not say; rates; partial success of lists; ``fields``, ``orderBy`` and filters other than
``(name="value") (labels.name="value")``. Operations end at the next request after `World.delay_s`.
"""

from tests.fakes.google.errors import Refused
from tests.fakes.google.server import Compute
from tests.fakes.google.world import World

__all__ = ["Compute", "Refused", "World"]
