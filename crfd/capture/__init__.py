# SPDX-License-Identifier: MIT
"""The way from processes to an image."""
