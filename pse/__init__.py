"""The parts of the toolkit that belong to no single room: shared words (`pse.core`) and the command line (`pse.cli`)."""

__version__ = "0.1.0"
