/* SPDX-License-Identifier: MIT */
/* Whether descriptors can be copied here. */

/* Whether pidfd_getfd(2) is granted here, tried on ourselves: 0 or -errno. */
int crfd_probe_pidfd_getfd(void);
