"""A plan in the formats of others, and pictures."""
