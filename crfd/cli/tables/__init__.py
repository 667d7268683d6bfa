# SPDX-License-Identifier: MIT
"""What a terminal shows."""
