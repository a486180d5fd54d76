"""Reference architectures: each a Pulumi component and its `fits`, in the entry-point group ``pse.blueprints``."""
