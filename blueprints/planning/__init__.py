"""The plan itself: what is decided, its units and gates, and the bundle on disk, signed, and back."""
