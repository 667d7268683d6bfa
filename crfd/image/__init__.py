# SPDX-License-Identifier: MIT
"""An image is written, read and checked here."""
