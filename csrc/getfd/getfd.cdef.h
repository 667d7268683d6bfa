/* SPDX-License-Identifier: MIT */
/* Whether descriptors can be copied here. */

/* Whether pidfd_getfd(2) is granted here, tried on ourselves: 0 or -errno. */
int crfd_probe_pidfd_getfd(void);
/* The network namespace of a socket that a task has: a descriptor of it (SIOCGSKNS, Linux 4.9), or -errno. */
int crfd_getfd_net_ns(int32_t pid, int32_t fd);
