"""The parts of `providers.engine`: the project on disk, the engine's events, recovery of what a crash left."""
