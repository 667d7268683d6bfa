/* SPDX-License-Identifier: MIT */
/* The kernel shows the BTF of itself and its modules. */
#ifndef CRFD_KERNEL_BTF_H
#define CRFD_KERNEL_BTF_H

#include "bpf/btf.h"

#define CRFD_KERNEL_BTF "/sys/kernel/btf/"

struct crfd_kernel_btf {
	crfd_btf btf;
	void *bytes;
	size_t n;
	int mapped;
};

/*
 * Opens the BTF of a module: "vmlinux" with base NULL, or one with the kernel's as base. names as for crfd_btf_init(). 0 or
 * -errno; only after 0 it is to be closed.
 */
int crfd_kernel_btf_open(struct crfd_kernel_btf *k, const char *module, const crfd_btf *base, struct crfd_btf_name *names,
			 size_t nr);
void crfd_kernel_btf_close(struct crfd_kernel_btf *k);

#endif
