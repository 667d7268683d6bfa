# SPDX-License-Identifier: MIT
"""What images say together: answers that are made of many values."""
