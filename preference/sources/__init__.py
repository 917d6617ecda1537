"""From raw files to battles."""
