"""The commands of `preference`."""
