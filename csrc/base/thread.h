/* SPDX-License-Identifier: MIT */
#ifndef CRFD_THREAD_H
#define CRFD_THREAD_H

#include <pthread.h>

/* Calls pthread_create(3) with all signals blocked: a signal must reach the thread that waits for it, not this one. */
int crfd_thread_start(pthread_t *thread, void *(*run)(void *), void *arg);

#endif
