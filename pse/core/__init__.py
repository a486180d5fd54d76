"""Words that every room shares.

Documents, neutral resources, errors, findings, money, time, canonical JSON, journal, progress, settings and the
workspace's database. Nothing here knows a room, a cloud or Pulumi; a room may import all of it.
"""
