/* SPDX-License-Identifier: MIT */
/* Names a kind ("file", "eventfd" ...); NULL for a number that has no row. */
const char *crfd_kind_name(int kind);
