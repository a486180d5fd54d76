"""What planning a whole estate takes."""
