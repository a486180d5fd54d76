"""Servers of our own that stand in for what a test cannot reach, or that make a real one misbehave."""
