"""The tests mirror imserver/; Hypothesis tries the same examples in every run, however slow the machine is."""

from hypothesis import settings

settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")
