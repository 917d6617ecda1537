"""Do the pipeline's intervals cover the truth, and its test call chance real? A simulated study.

make coverage
"""
