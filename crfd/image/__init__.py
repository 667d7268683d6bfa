# SPDX-License-Identifier: MIT
"""One image: how it is written, read and checked."""
