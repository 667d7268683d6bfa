/* SPDX-License-Identifier: MIT */
/* Tries pidfd_getfd(2) on ourselves: 0 where it is granted here, or -errno. */
int crfd_probe_pidfd_getfd(void);
/* Returns a descriptor of the network namespace of a socket that a task has (SIOCGSKNS, Linux 4.9), or -errno. */
int crfd_getfd_net_ns(int32_t pid, int32_t fd);
