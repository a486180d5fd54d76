"""How fast moves carry what changed, beside what everybody would use."""
