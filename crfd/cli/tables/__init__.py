# SPDX-License-Identifier: MIT
"""Tables for a terminal."""
