"""Waves: which workloads move together, and when.

A pure function of what moves, who uses whom, the settings and the calendar: `making` groups and numbers, `improving`
finds the schedule, `reasons` says why.
"""

from blueprints.waves.making import Waves, make_waves

__all__ = ["Waves", "make_waves"]
