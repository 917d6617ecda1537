"""What proves the claims of this repository."""
