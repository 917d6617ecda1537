"""Metrics, bootstrap, tests and calibration."""
