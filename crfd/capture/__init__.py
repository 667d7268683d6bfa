# SPDX-License-Identifier: MIT
"""From processes to an image."""
