"""For every test: properties are judged by what they find, never by a busy computer's time for an example."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("roost", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("roost")
