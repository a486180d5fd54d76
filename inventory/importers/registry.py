"""The importers that come with the project."""

from inventory.importers.reading import Importer

FORMATS = (
    "azure-migrate-report",
    "azure-migrate",
    "aws-migration-hub",
    "aws-mpa",
    "aws-migration-evaluator",
    "google-migration-center",
    "live-optics",
    "nutanix-collector",
    "nutanix-prism",
    "powercli",
    "servicenow",
    "netbox",
)
"""Mapping files in `inventory/importers/formats/`, in the order in which they are asked."""


def built_in() -> tuple[tuple[Importer, ...], tuple[Importer, ...]]:
    """Importers of known formats, in the order in which they are asked; and those that take what nobody else knows."""
    from inventory.importers.ansible import Ansible
    from inventory.importers.declared import Declared
    from inventory.importers.rvtools import RVTools
    from inventory.importers.terraform import Terraform

    return (RVTools(), Ansible(), Terraform(), *(Declared.of(name) for name in FORMATS)), (Declared.of("list"),)
