"""What belongs to no single room: the shared words (`pse.core`) and the command line (`pse.cli`)."""

__version__ = "0.1.0"
