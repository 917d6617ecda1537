"""Which models people, and judges in their place, prefer."""
