# SPDX-License-Identifier: MIT
"""The values that each kind of descriptor has of its own, and the decoding of its records to values."""
