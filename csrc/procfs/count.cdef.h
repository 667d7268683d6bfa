/* SPDX-License-Identifier: MIT */
/* How many descriptors a process has. */

/* Number of open fds of a process, from st_size of /proc/PID/fd (Linux 6.2) or by listing. */
int64_t crfd_count(int32_t pid);
