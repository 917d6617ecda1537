"""What the evaluation found, as pages."""
