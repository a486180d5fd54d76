"""Runnable examples: the demo."""
