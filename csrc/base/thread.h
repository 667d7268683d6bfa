/* SPDX-License-Identifier: MIT */
/* Threads of the core's own. */
#ifndef CRFD_THREAD_H
#define CRFD_THREAD_H

#include <pthread.h>

/* As pthread_create(3), with all signals blocked: one must reach the thread that waits for it, not this one. */
int crfd_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);

#endif
