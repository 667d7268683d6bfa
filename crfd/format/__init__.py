# SPDX-License-Identifier: MIT
"""The format's words: record types, named numbers and the layouts of structs."""
