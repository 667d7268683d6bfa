/* SPDX-License-Identifier: MIT */
/* Counts the open fds of a process, from st_size of /proc/PID/fd (Linux 6.2) or by listing. Their number or -errno. */
int64_t crfd_count(int32_t pid);
