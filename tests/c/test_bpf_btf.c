/* SPDX-License-Identifier: MIT */
/* Layouts read from BTF made here, from a module's on top of it, and from the kernel's own. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "bpf/kernel_btf.h"
#include "check.h"

/* Strings of the module's go on behind the kernel's. */
static const char strings[] = "\0a\0b\0int\0outer\0inner\0f\0bits", more_strings[] = "\0sub\0x";
enum { A = 1, B = 3, INT = 5, OUTER = 9, INNER = 15, F = 21, BITS = 23, SUB = sizeof(strings) + 1, X = SUB + 4 };

static const uint32_t types[] = {
	INT, 1 << 24, 4, 32, /* 1: int */
	0, 3 << 24, 0, 1, 1, 5, /* 2: int[5] */
	INNER, 4u << 24 | 2, 24, A, 1, 0, B, 2, 32, /* 3: struct inner {int a; int b[5];} */
	0, 5u << 24 | 2, 24, BITS, 1, 0, F, 3, 0, /* 4: union {int bits; struct inner f;} */
	INNER, 8u << 24, 3, /* 5: typedef inner */
	OUTER, 4u << 24 | 3 | 1u << 31, 40, A, 5, 0, 0, 4, 24 * 8, B, 1, 3 << 24 | 24 * 8, /* 6: b is a bit field */
	F, 12u << 24, 0, /* 7: function f */
};
static const uint32_t module_types[] = {SUB, 4u << 24 | 1, 44, X, 6, 32}; /* 8: struct sub {…; struct outer x;} */

static size_t make(uint8_t *out, const uint32_t *t, uint32_t t_len, const char *s, uint32_t s_len)
{
	uint32_t head[] = {0x1eb9f, 24, 0, t_len, t_len, s_len};

	memcpy(out, head, 24);
	memcpy(out + 24, t, t_len);
	memcpy(out + 24 + t_len, s, s_len);
	return 24 + t_len + s_len;
}

/* A path into a type, and the member at its end; of kind 0 where there is none. */
struct path_row {
	const char *name; /* the path */
	uint32_t type;
	struct crfd_btf_member member;
};

static const struct path_row kernel_paths[] = {
	{"", 3, {.offset = 0, .size = 24, .kind = CRFD_BTF_STRUCT}},
	{"b[2]", 3, {.offset = 12, .size = 4, .kind = CRFD_BTF_INT}},
	{"b", 3, {.offset = 4, .size = 20, .kind = CRFD_BTF_ARRAY}},
	{"a.b[4]", 6, {.offset = 20, .size = 4, .kind = CRFD_BTF_INT}},
	{"f.a", 6, {.offset = 24, .size = 4, .kind = CRFD_BTF_INT}}, /* through the nameless union */
	{"bits", 6, {.offset = 24, .size = 4, .kind = CRFD_BTF_INT}},
	{"b", 6, {.kind = 0}}, /* a bit field */
	{"in", 6, {.kind = 0}},
	{"a.b", 3, {.kind = 0}},
	{"a[1]", 3, {.kind = 0}},
	{"a", 99, {.kind = 0}},
}, module_paths[] = {
	{"x.a.b[1]", 8, {.offset = 12, .size = 4, .kind = CRFD_BTF_INT}},
}, every_kernels_paths[] = {
	{"prev", 0, {.offset = 8, .size = 8, .kind = CRFD_BTF_PTR}},
	{"", 0, {.offset = 0, .size = 16, .kind = CRFD_BTF_STRUCT}},
};

static void check_path(const crfd_btf *btf, uint32_t type, const struct path_row *row)
{
	struct crfd_btf_member found = {0};

	CHECK_EQ(crfd_btf_member(btf, type, row->name, &found), row->member.kind ? 0 : -ENOENT);
	CHECK_EQ(found.offset, row->member.offset);
	CHECK_EQ(found.size, row->member.size);
	CHECK_EQ(found.kind, row->member.kind);
}

static void test_members(void)
{
	struct crfd_btf_name names[] = {{.name = "f", .kind = CRFD_BTF_FUNC}, {.name = "inner", .kind = CRFD_BTF_STRUCT},
					{.name = "outer", .kind = CRFD_BTF_STRUCT}, {.name = "sub", .kind = CRFD_BTF_STRUCT}};
	static const uint32_t in_kernel[] = {7, 3, 6, 0}; /* the types of names, 0: there is none */
	uint8_t kernel[512], part[512];
	size_t n = make(kernel, types, sizeof(types), strings, sizeof(strings));
	size_t part_n = make(part, module_types, sizeof(module_types), more_strings, sizeof(more_strings));
	crfd_btf btf, module;

	CHECK(crfd_btf_init(&btf, kernel, n, NULL, names, 4) == 0);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		check_row(names[i].name);
		CHECK_EQ(names[i].nr, in_kernel[i] != 0);
		CHECK_EQ(names[i].id[0], in_kernel[i]);
	}
	FOR_ROWS(row, kernel_paths)
		check_path(&btf, row->type, row);
	CHECK(crfd_btf_init(&module, part, part_n, &btf, names, 4) == 0);
	CHECK_EQ(names[3].nr, 1);
	CHECK_EQ(names[3].id[0], 8);
	FOR_ROWS(row, module_paths)
		check_path(&module, row->type, row);
	crfd_btf_release(&module);
	crfd_btf_release(&btf);
	for (size_t cut = 0; cut < n; cut++)
		CHECK_EQ(crfd_btf_init(&btf, kernel, cut, NULL, names, 0), -EPROTO);
}

/* struct list_head looks the same in every kernel. */
static void test_kernel(void)
{
	struct crfd_btf_name name = {.name = "list_head", .kind = CRFD_BTF_STRUCT};
	struct crfd_kernel_btf kernel;
	int rc;

	CHECK_EQ(crfd_kernel_btf_open(&kernel, "no-such-module", NULL, NULL, 0), -ENOENT);
	rc = crfd_kernel_btf_open(&kernel, "vmlinux", NULL, &name, 1);
	if (rc == -ENOENT)
		return;
	CHECK(rc == 0 && name.nr >= 1);
	FOR_ROWS(row, every_kernels_paths)
		check_path(&kernel.btf, name.id[0], row);
	crfd_kernel_btf_close(&kernel);
}

int main(void)
{
	test_members();
	test_kernel();
	return check_status();
}
