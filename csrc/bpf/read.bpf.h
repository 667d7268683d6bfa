/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Reading the kernel's memory. */
#ifndef CRFD_READ_H
#define CRFD_READ_H

#include "kernel.bpf.h"

/* Where a pointer becomes a number. */
__u64 number;

/* A pointer as a plain number: the verifier allows no arithmetic on the pointer itself. */
static __always_inline __u64 number_of(const void *p)
{
	volatile __u64 *slot = &number;

	*slot = (__u64)p;
	return *slot;
}

/*
 * Lets a program read through any address as through a pointer of that type, at no cost: a kernel function since 6.2 that
 * the verifier takes out. Where there is none, it is asked for no more than whether it exists.
 */
extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym __weak;

/* What lies at an address, 0 where nothing may be read. */
static __always_inline __u64 word_at(__u64 address)
{
	struct list_head *word;
	__u64 value = 0;

	if (bpf_rdonly_cast) {
		word = bpf_rdonly_cast((void *)address, bpf_core_type_id_kernel(struct list_head));
		return number_of(word->next);
	}
	bpf_probe_read_kernel(&value, sizeof(value), (void *)address);
	return value;
}

#endif
