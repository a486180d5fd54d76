"""The conformance."""
