"""Plans, places and the old room beside each other."""
