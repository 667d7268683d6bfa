# SPDX-License-Identifier: MIT
"""Conditions on rows: read from text or joined by hand, and compiled for the core."""
