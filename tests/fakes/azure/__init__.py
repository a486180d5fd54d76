"""Azure Resource Manager on a loopback port: strict, with a state, for networks, disks, keys, machines and storage.

What it is strict about: api-version (the one of the type in the SDK's operations), paths, methods, bodies against the
SDK's own models (unknown and read-only keys, types, closed enums, what is required), names, tags, locations, zones,
references (there, and in the same location), ranges of subnets, priorities of rules, reserved account names, what is in
use, changes of what cannot change, `If-None-Match` and `If-Match`, one operation at a time in a network, and
long-running operations by `Azure-AsyncOperation`. A PUT of a network that leaves out its subnets deletes them; deleting
a virtual machine leaves what has no ``deleteOption`` of ``Delete``.

What it does not check: who may do what and the tokens of callers (it notes that a request had one), quotas unless a
test says so (`Azure.refuse`), prices, policies and locks, ``resources`` deployments, which sizes and disk classes a
zone really has and how many disks a size takes, burst, host caching, image terms and plans, the text of first-boot
scripts, effective routes and security rules, peerings, flow logs, and how long anything takes. Real ARM ignores read-
only keys that a client sends back; here they are refused, so that nobody relies on it. Of storage there are accounts,
containers, locked retention and the names of objects, which anybody may list; of DNS public zones, whose names nobody
serves. Written after the SDK's models and the REST reference; error texts are close to the real ones, and only the
codes are meant to be exact.
"""

from tests.fakes.azure.cloud import Azure
from tests.fakes.azure.server import Server

__all__ = ["Azure", "Server"]
