/* SPDX-License-Identifier: MIT */
/* bpf(2), for which libc has no function. */
#ifndef CRFD_BPF_CALL_H
#define CRFD_BPF_CALL_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { TRACE_ITER = 28 }; /* enum bpf_attach_type: of a program, and of its link */

/* Returns a descriptor or 0, or -errno. */
static inline int crfd_bpf_call(int cmd, const void *attr, size_t n)
{
	int rc = (int)syscall(SYS_bpf, cmd, attr, n);

	return rc < 0 ? -errno : rc;
}

static inline uint64_t crfd_bpf_address(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

#endif
