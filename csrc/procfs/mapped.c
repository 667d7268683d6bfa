/* SPDX-License-Identifier: MIT */
/*
 * Mapped files, from /proc/PID/maps and the links in map_files. Most processes of a host map the same few libraries, and to
 * follow a link takes as long as to read ten lines: so what was learned of a file is kept for the next process of the scan
 * that has it mapped by the same name in the same mount namespace. A name that was unlinked since is another name.
 */
#include "procfs/mapped.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/ours.h"
#include "format/record.h"
#include "procfs/read.h"

#define MEMOS 512

struct crfd_mapped_memo {
	uint64_t mnt_ns; /* 0: none */
	uint64_t dev, ino; /* as in maps */
	crfd_fd_stat st;
	uint16_t kind;
	uint8_t len, stem; /* of the name as in maps, and without the kernel's mark where that is one */
	char name[124];
};

/* A pass has what is the same for all files of a process. */
struct pass {
	int dir;
	uint64_t mnt_ns;
	struct crfd_deleted_memo *deleted;
	struct crfd_mapped_memo *memos;
	const crfd_filter_push *push;
	crfd_buf *out;
};

/* Returns where the file is kept, or would be; NULL for one that is not kept. */
static struct crfd_mapped_memo *find_memo(const struct pass *p, const struct crfd_mapping *m)
{
	uint64_t hash = (m->dev * 31 + m->ino) * 0x9e3779b97f4a7c15;

	if (!p->mnt_ns || m->len > sizeof(p->memos->name) || memchr(m->name, '\\', m->len))
		return NULL;
	return &p->memos[hash >> 32 & (MEMOS - 1)];
}

static int is_of(const struct crfd_mapped_memo *memo, const struct pass *p, const struct crfd_mapping *m)
{
	return memo->mnt_ns == p->mnt_ns && memo->dev == m->dev && memo->ino == m->ino && memo->len == m->len &&
	       !memcmp(memo->name, m->name, m->len);
}

static void set_memo(struct crfd_mapped_memo *memo, const struct pass *p, const struct crfd_mapping *m,
		     const struct crfd_held_one *one)
{
	*memo = (struct crfd_mapped_memo){.mnt_ns = p->mnt_ns, .dev = m->dev, .ino = m->ino, .st = one->r.st,
					  .kind = one->r.kind, .len = (uint8_t)m->len, .stem = (uint8_t)one->len};
	memcpy(memo->name, m->name, m->len);
}

static int by_file(const void *a, const void *b)
{
	const struct crfd_mapping *x = a, *y = b;
	int rc;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	rc = memcmp(x->name, y->name, x->len);
	return rc ? rc : (x->start > y->start) - (x->start < y->start);
}

static int same_file(const struct crfd_mapping *x, const struct crfd_mapping *y)
{
	return x->dev == y->dev && x->ino == y->ino && x->len == y->len && !memcmp(x->name, y->name, x->len);
}

/* Sets the path as maps has it, or, where a backslash may stand for something else, as the link in map_files has it. */
static void set_path(const struct crfd_mapping *m, int dir, const char *link, struct crfd_held_one *one)
{
	if (m->len && memchr(m->name, '\\', m->len)) {
		ssize_t n = crfd_proc_link(dir, link, one->path, sizeof(one->path));

		one->len = n < 0 ? 0 : (size_t)n;
		if (n < 0)
			one->r.err = (int32_t)-n;
	} else if (m->len < sizeof(one->path)) {
		memcpy(one->path, m->name, m->len);
		one->len = m->len;
	}
	if (one->len && one->len < sizeof(one->path))
		one->r.st.known |= CRFD_HAS_PATH;
}

static int put(const struct pass *p, const struct crfd_held_one *one)
{
	return crfd_held_fails(p->push, one) ? 0 : crfd_held_put(one, p->out);
}

/*
 * Puts the file of n mappings. To follow a link in map_files takes CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE; without them the
 * device of the super block stands for that of the file, which it is on a disk, and elsewhere need not be.
 */
static int put_mapped(const struct pass *p, const struct crfd_mapping *m, size_t n)
{
	struct crfd_held_one one = {.r = {.held = CRFD_HELD_MAP, .mappings = (uint32_t)n, .fd = -1}};
	struct crfd_mapped_memo *memo;
	char link[64];
	int rc;

	for (size_t i = 0; i < n; i++) {
		one.r.prot |= m[i].prot;
		one.r.bytes += m[i].end - m[i].start;
	}
	snprintf(link, sizeof(link), "map_files/%lx-%lx", (unsigned long)m->start, (unsigned long)m->end);
	memo = find_memo(p, m);
	if (memo && is_of(memo, p, m)) {
		one.r.kind = memo->kind;
		one.r.st = memo->st;
		one.len = memo->stem;
		memcpy(one.path, m->name, memo->stem);
		return put(p, &one);
	}
	set_path(m, p->dir, link, &one);
	rc = crfd_held_look(p->dir, link, !one.len || *one.path == '/', &one.r.st);
	if (crfd_is_ours(rc))
		return rc;
	if (rc < 0) {
		memo = NULL;
		one.r.st.ino = m->ino;
		one.r.st.known |= CRFD_HAS_INO;
		if (major(m->dev)) {
			one.r.st.dev = m->dev;
			one.r.st.known |= CRFD_HAS_DEV;
		}
	}
	rc = crfd_held_judge(p->deleted, p->dir, &one);
	if (rc < 0)
		return rc;
	if (memo)
		set_memo(memo, p, m, &one);
	return put(p, &one);
}

/* Sorts the mappings so that those of a file stand together. */
static int put_all(struct crfd_mapped *h, const struct pass *p)
{
	int rc = 0;

	if (h->nr)
		qsort(h->v, h->nr, sizeof(*h->v), by_file);
	for (size_t i = 0, n; i < h->nr && rc >= 0; i += n) {
		for (n = 1; i + n < h->nr && same_file(&h->v[i], &h->v[i + n]);)
			n++;
		rc = put_mapped(p, &h->v[i], n);
	}
	return rc;
}

int crfd_mapped_put(struct crfd_mapped *h, int dir, uint64_t mnt_ns, struct crfd_deleted_memo *deleted,
		    const crfd_filter_push *push, crfd_buf *out)
{
	struct pass pass = {.dir = dir, .mnt_ns = mnt_ns, .deleted = deleted, .push = push, .out = out};
	struct crfd_held_one one = {.r = {.held = CRFD_HELD_MAP, .fd = -1}};
	int rc = crfd_proc_read(dir, "maps", 1, &h->text);
	const char *p = (const char *)h->text.v, *end = p ? p + h->text.nr : p; /* NULL + 0 is not defined in C */

	h->nr = 0;
	for (int more = rc == 0; more;) {
		if (crfd_grow(&h->v, &h->alloc, h->nr + 1, sizeof(*h->v)) < 0)
			return -ENOMEM;
		rc = more = crfd_maps_next(&p, end, &h->v[h->nr]);
		h->nr += more > 0;
		if (more < 0)
			break;
	}
	if (rc >= 0) {
		if (!h->memo && h->nr)
			h->memo = calloc(MEMOS, sizeof(*h->memo));
		if (!h->memo && h->nr)
			return -ENOMEM;
		pass.memos = h->memo;
		return put_all(h, &pass);
	}
	if (crfd_is_ours(rc) || rc == -ESRCH || rc == -ENOENT)
		return crfd_is_ours(rc) ? rc : 0;
	one.r.err = -rc;
	one.r.kind = CRFD_KIND_UNKNOWN;
	return put(&pass, &one);
}

void crfd_mapped_release(struct crfd_mapped *m)
{
	crfd_buf_release(&m->text);
	free(m->v);
	free(m->memo);
	*m = (struct crfd_mapped){0};
}
