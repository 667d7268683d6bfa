/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "identity/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdlib.h>
#include <string.h>

/* SETFL_MASK of fs/fcntl.c and FASYNC: a description can change these */
#define CHANGEABLE (O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC)
#define LONELY ((uint64_t)1 << 63)

int crfd_identities_init(struct crfd_identities *id)
{
	uint32_t *slot = calloc(64, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	*id = (struct crfd_identities){.slot = slot, .bits = 6, .tree = {.type = KCMP_FILE},
				     .inferred = crfd_probe_kcmp() < 0};
	return 0;
}

void crfd_identities_release(struct crfd_identities *id)
{
	crfd_kcmptree_release(&id->tree);
	free(id->slot);
	*id = (struct crfd_identities){0};
}

static uint64_t mix(uint64_t h, uint64_t v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint64_t mix_text(uint64_t h, const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ (uint8_t)p[i]) * 0x100000001b3u;
	return mix(h, n);
}

/* Infers identity as identity.h says, where the kernel does not let us compare. */
static uint64_t infer(uint64_t h, int32_t pid, const crfd_fd *f, int named, int anonymous, int has_id)
{
	if ((f->kind == CRFD_KIND_SOCKET && !named) || f->kind == CRFD_KIND_PIPE ||
	    (f->kind == CRFD_KIND_EVENTFD && has_id))
		return h;
	if (anonymous)
		return mix(mix(h, (uint64_t)pid), (uint64_t)f->fd + 1);
	h = mix(mix(h, f->f_flags), f->f_pos);
	return f->f_pos ? h : mix(h, (uint64_t)pid);
}

uint64_t crfd_identity_key(int inferred, int32_t pid, const crfd_fd *f, const struct crfd_fdinfo *info, const char *id,
			   size_t id_len, const char *name, size_t len)
{
	int named = !len || *name == '/';
	int anonymous = !named && f->kind != CRFD_KIND_SOCKET && f->kind != CRFD_KIND_PIPE &&
			f->kind != CRFD_KIND_NAMESPACE;
	uint64_t h = mix(0, info->has & CRFD_FDINFO_INO ? info->ino : f->st.ino);

	h = mix(h, (uint64_t)(uint32_t)f->st.mnt_id << 32 | (f->f_flags & ~(uint32_t)CHANGEABLE));
	if (anonymous)
		h = mix_text(mix_text(h, name, len), id, id_len);
	if (inferred)
		h = infer(h, pid, f, named, anonymous, id_len > 0);
	h = mix(h, h >> 32) & ~LONELY;
	return h ? h : 1;
}

static size_t find(const struct crfd_identities *id, uint32_t hash)
{
	size_t mask = ((size_t)1 << id->bits) - 1, i = hash & mask;

	while (id->slot[i] && id->tree.v[id->slot[i]].hash != hash)
		i = (i + 1) & mask;
	return i;
}

static int widen(struct crfd_identities *id)
{
	size_t old = (size_t)1 << id->bits;
	struct crfd_identities wide = *id;

	wide.bits++;
	wide.slot = calloc(old * 2, sizeof(*wide.slot));
	if (!wide.slot)
		return -ENOMEM;
	for (size_t i = 0; i < old; i++)
		if (id->slot[i])
			wide.slot[find(&wide, id->tree.v[id->slot[i]].hash)] = id->slot[i];
	free(id->slot);
	*id = wide;
	return 0;
}

int crfd_identities_resolve(struct crfd_identities *id, int32_t pid, int32_t fd, uint64_t key, uint64_t *ident)
{
	uint32_t hash = (uint32_t)(key ^ key >> 32), member;
	int rc = 0, empty;
	size_t at;

	if (id->inferred) {
		*ident = key;
		return 1;
	}
	if (id->used >= (size_t)1 << id->bits >> 1)
		rc = widen(id);
	if (rc < 0)
		return rc;
	at = find(id, hash);
	empty = !id->slot[at];
	rc = crfd_kcmptree_add(&id->tree, &id->slot[at], hash, pid, fd, &member);
	if (rc == -ENOMEM || rc == -EOVERFLOW)
		return rc;
	if (rc < 0) {
		*ident = LONELY | ++id->lonely;
		return rc != -ESRCH && rc != -EBADF;
	}
	id->used += (size_t)empty;
	*ident = member;
	return 0;
}
