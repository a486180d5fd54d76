"""Fixtures that all rooms share."""
