/* SPDX-License-Identifier: MIT */
/* The fdinfo of a BPF object does not give its name: bpf(2), BPF_OBJ_GET_INFO_BY_FD, does, of any descriptor one has. */
#include <string.h>

#include "base/bpf_call.h"
#include "getfd/getfd.h"

enum { OBJ_GET_INFO_BY_FD = 15 };

struct info_by_fd {
	uint32_t fd, len;
	uint64_t info;
};

/* These are the used members of struct bpf_prog_info, bpf_map_info, bpf_btf_info (linux/bpf.h). The kernel fills what it has. */
union info {
	struct {
		uint32_t type, id;
		uint8_t tag[8];
		uint32_t jited_len, xlated_len;
		uint64_t jited, xlated, load_time;
		uint32_t uid, nr_map_ids;
		uint64_t map_ids;
		char name[16];
	} prog;
	struct {
		uint32_t type, id, key_size, value_size, max_entries, flags;
		char name[16];
	} map;
	struct {
		uint64_t btf;
		uint32_t btf_size, id;
		uint64_t name;
		uint32_t name_len, kernel_btf;
	} btf;
};

static int ask(int fd, union info *info, size_t len)
{
	struct info_by_fd attr = {.fd = (uint32_t)fd, .len = (uint32_t)len, .info = crfd_bpf_address(info)};

	return crfd_bpf_call(OBJ_GET_INFO_BY_FD, &attr, sizeof(attr));
}

/* Asks for the id and the name of the copied object. The kernel may not tell us; a name too long for a record is not taken. */
static int ask_name(int copy, int kind, uint32_t *id, char name[16])
{
	union info info = {0};
	int rc;

	if (kind == CRFD_KIND_BTF) {
		info.btf.name = crfd_bpf_address(name);
		info.btf.name_len = 16;
		rc = ask(copy, &info, sizeof(info.btf));
		*id = info.btf.id;
		return rc;
	}
	rc = ask(copy, &info, kind == CRFD_KIND_BPF_MAP ? sizeof(info.map) : sizeof(info.prog));
	*id = kind == CRFD_KIND_BPF_MAP ? info.map.id : info.prog.id;
	memcpy(name, kind == CRFD_KIND_BPF_MAP ? info.map.name : info.prog.name, 16);
	return rc;
}

void crfd_getfd_object(int copy, struct crfd_detail *d)
{
	char name[16] = "";
	uint32_t id;

	/* The number may be another object's by now; all have one inode. */
	if (ask_name(copy, d->ops->kind, &id, name) == 0 && id == d->rec.bpf.id)
		memcpy(d->rec.bpf.name, name, sizeof(name) - 1);
}
