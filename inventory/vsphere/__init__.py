"""vSphere itself, asked over its API: the same records as its export by RVTools, read only.

`target` says which vCenter or ESXi and as whom, `connection` makes the connection and holds it to one certificate,
`collecting` asks for the machines page by page, `machines` makes records of them.
"""

from inventory.vsphere.importing import SCHEME, import_vsphere

__all__ = ["SCHEME", "import_vsphere"]
