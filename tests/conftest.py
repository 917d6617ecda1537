from hypothesis import HealthCheck, settings

# Shared machines are slow at times, which says nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
