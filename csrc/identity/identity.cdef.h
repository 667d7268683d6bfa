/* SPDX-License-Identifier: MIT */
/* Tries kcmp(2) on ourselves: 0 where it is granted here, or -errno. */
int crfd_probe_kcmp(void);
