/* SPDX-License-Identifier: MIT */
/* Puts a crfd_lock_wait for each waiter on this machine into out, which is emptied first. Their number or -errno. */
int64_t crfd_lock_waits(crfd_buf *out);
