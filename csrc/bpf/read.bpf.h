/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Reading the kernel's memory. The programs are compiled twice: to read by loads, and (WALK_CAST 0) by a helper, which costs ten
 * times as much and is what kernels before 6.2, and those without a JIT compiler, can do.
 */
#ifndef CRFD_READ_H
#define CRFD_READ_H

#include "kernel.bpf.h"

/* A pointer becomes a number here. */
__u64 number;

/* A pointer as a plain number: the verifier allows no arithmetic on the pointer itself. */
static __always_inline __u64 number_of(const void *p)
{
	volatile __u64 *slot = &number;

	*slot = (__u64)p;
	return *slot;
}

#if WALK_CAST
/*
 * Lets a program read through any address as through a pointer of that type, at no cost: a kernel function since 6.2 that
 * the verifier takes out. What may not be read is 0.
 */
extern void *bpf_rdonly_cast(const void *address, __u32 type) __ksym;

#define AS_TYPE(address, type) bpf_rdonly_cast((const void *)(address), type)
#define READ(p, member) ((p)->member)
#else
#define AS_TYPE(address, type) ((void *)(address))
#define READ(p, member) BPF_CORE_READ(p, member)
#endif

/* An address, or a pointer of another type, as a pointer to a struct, the members of which are for READ(). */
#define AS(struct_, address) ((struct struct_ *)AS_TYPE(address, bpf_core_type_id_kernel(struct struct_)))

static __always_inline __u64 word_at(__u64 address)
{
	struct timespec64 *word = AS(timespec64, address);

	return READ(word, tv_sec);
}

#endif
