/* SPDX-License-Identifier: MIT */
/* A thread that waits for descriptors stands in a system call, whose arguments say for which. Pure. */
#ifndef CRFD_POLL_CALL_H
#define CRFD_POLL_CALL_H

#include "base/base.h"

enum crfd_poll_how { CRFD_POLL_NOT, CRFD_POLL_ARRAY, CRFD_POLL_SETS, CRFD_POLL_EPOLL };

struct crfd_poll_call {
	uint8_t how; /* enum crfd_poll_how */
	uint8_t again; /* it may be another call than poll(2) that goes on after a signal (restart_syscall(2)) */
	int32_t epoll; /* EPOLL: its descriptor */
	uint32_t nr; /* ARRAY: entries; SETS: bits of each */
	uint64_t at[3]; /* where these are in the thread's memory; 0: there is none */
};

/* Reads the text of /proc/PID/syscall. how is NOT for another call, for none, and for a text that is not understood. */
struct crfd_poll_call crfd_poll_call_parse(const char *text, size_t n);

/* Each appends a crfd_polled for every descriptor of an array of struct pollfd, or of a set. 0 or -ENOMEM. */
int crfd_polled_array(const uint8_t *v, size_t n, int32_t tid, crfd_buf *out);
int crfd_polled_set(const uint8_t *v, uint32_t bits, uint32_t events, int32_t tid, crfd_buf *out);
/* Sorts those by descriptor and thread; of several for one descriptor and thread one is left, with the events of all. */
void crfd_polled_sort(crfd_buf *polled);

#endif
