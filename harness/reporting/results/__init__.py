"""What a study left in its stores, read into tidy tables."""
