# SPDX-License-Identifier: MIT
"""An image for other programs."""
