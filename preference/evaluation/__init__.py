"""All models on the test battles."""
