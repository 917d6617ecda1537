"""Is anything lost when a run is killed, or something fails? The pipeline is run, and disturbed.

make faults
"""
