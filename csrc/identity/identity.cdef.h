/* SPDX-License-Identifier: MIT */
/* Whether identity can be decided here. */

/* Whether kcmp(2) is granted here, tried on ourselves: 0 or -errno. */
int crfd_probe_kcmp(void);
