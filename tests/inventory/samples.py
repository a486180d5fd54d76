"""Real files of other tools, kept beside the project."""

from pathlib import Path

from tests.require import missing

SAMPLES = Path(__file__).parents[3] / "shared" / "samples"


def sample(name: str) -> Path:
    """A file of theirs; skipped by name where they are not there."""
    path = SAMPLES / name
    if not path.exists():
        missing(f"the sample {name}")
    return path
