# SPDX-License-Identifier: MIT
"""The time that an example takes says how busy the machine is, and nothing of crfd."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
