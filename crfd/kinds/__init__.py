# SPDX-License-Identifier: MIT
"""What each kind of descriptor has of its own, and how its records become values."""
