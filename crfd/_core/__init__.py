# SPDX-License-Identifier: MIT
"""The border to the C core, one module a room of csrc/. No cdata leaves; bulk data leaves as memoryviews."""
