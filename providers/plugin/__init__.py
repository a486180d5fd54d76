"""The native Pulumi provider ``pulumi-resource-pse``: a process that the engine starts, never imported by the CLI.

`main` starts it, `servicer` speaks gRPC, `check` and `diff` are pure, `lifecycle` makes, changes and deletes with an
intent before each effect. Everything that a cloud needs is behind `providers.ports`.
"""
