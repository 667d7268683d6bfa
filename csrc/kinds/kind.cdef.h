/* SPDX-License-Identifier: MIT */
/* The names of the kinds. */

/* "file", "eventfd" ..., or NULL for a number that has no row. */
const char *crfd_kind_name(int kind);
