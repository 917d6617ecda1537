"""Files to try the commands on."""
