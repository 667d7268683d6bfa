# SPDX-License-Identifier: MIT
"""Answers that are made of many values of an image."""
