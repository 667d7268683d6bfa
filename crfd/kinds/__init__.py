# SPDX-License-Identifier: MIT
"""Values of what each kind of descriptor has of its own, and how its records become values."""
