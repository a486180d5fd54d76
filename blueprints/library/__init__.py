"""Reference architectures: a TOML file each, or a class with `fits` and `build` that builds more than servers.

`reference` reads the files; outside packages add classes by the entry-point group ``pse.blueprints``.
"""
