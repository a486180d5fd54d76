"""Words that every room shares: documents, the neutral resources, errors, findings, money, time, canonical JSON, journal, progress, settings.

Nothing here knows a room, a cloud, Pulumi or a database server. A room may import all of it; it imports no room.
"""
