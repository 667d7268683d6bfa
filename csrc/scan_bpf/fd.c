/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* statx, makedev */
#include "scan_bpf/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/ours.h"
#include "scan_bpf/name.h"
#include "scan_bpf/tail.h"
#include "scan_proc/proc.h"

/* Magics that older <linux/magic.h> do not have. */
#define MAGIC_F2FS 0xf2f52010u
#define MAGIC_BTRFS 0x9123683eu

#define LONG 1024 /* bytes of records from which on a description is remembered */

#define KNOWN                                                                                                          \
	(CRFD_HAS_FLAGS | CRFD_HAS_ACCESS | CRFD_HAS_MODE | CRFD_HAS_OWNER | CRFD_HAS_MNT_ID | CRFD_HAS_INO |          \
	 CRFD_HAS_DEV | CRFD_HAS_TYPE | CRFD_HAS_NLINK | CRFD_HAS_SIZE | CRFD_HAS_BLOCKS | CRFD_HAS_DELETED | CRFD_HAS_SIGNALS)
#define KNOWN_BY_STAT (CRFD_HAS_DEV | CRFD_HAS_INO | CRFD_HAS_NLINK | CRFD_HAS_SIZE | CRFD_HAS_BLOCKS)

static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93u;
	return x ^ x >> 32;
}

/*
 * An address comes back as soon as its file is closed, and mostly with that of its inode and of its opener's credentials. So
 * what a file keeps for life is in its identity too; and where no other descriptor had it, whose it is. None shows an address.
 */
static uint64_t ident_of(const struct walk_fd *r)
{
	uint64_t x = mixed(r->file ^ (uint64_t)r->print << 48) ^ mixed(r->ino ^ (uint64_t)r->dev << 32);

	if (r->bits & WALK_ALONE)
		x ^= mixed(r->start ^ (uint64_t)r->tid << 32 ^ (uint64_t)(uint32_t)r->fd);
	return mixed(x);
}

/*
 * File systems where stat(2) does not show what the inode holds. Overlay and Btrfs have a device number for each layer
 * or subvolume; proc, sysfs and cgroup bring a directory up to date when asked. (XFS has its count taken by the program.)
 */
static int needs_stat(const struct walk_fd *r)
{
	switch (r->magic) {
	case OVERLAYFS_SUPER_MAGIC:
	case MAGIC_BTRFS:
		return 1;
	case XFS_SUPER_MAGIC:
		return !(r->bits & WALK_BLOCKS);
	case PROC_SUPER_MAGIC:
	case SYSFS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
		return S_ISDIR(r->mode);
	default:
		return 0;
	}
}

/* stat(2) counts blocks that are promised and not allocated: only ext4 and F2FS know, and only by a call for each file. */
static int hides_blocks(const struct walk_fd *r)
{
	return (r->magic == EXT4_SUPER_MAGIC || r->magic == MAGIC_F2FS) && r->bits & WALK_DIRTY;
}

static void complete_stat(const struct walk_fd *r, crfd_fd *f)
{
	struct statx s;

	if (statx(AT_FDCWD, crfd_proc_path((int32_t)r->tid, "fd", r->fd).v, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_BASIC_STATS, &s) < 0) {
		f->st.known &= ~(uint32_t)KNOWN_BY_STAT;
		f->st.dev = f->st.ino = f->st.size = f->st.blocks = 0;
		f->st.nlink = 0;
		f->err = errno;
		f->step = CRFD_STEP_STAT;
		return;
	}
	f->st_uid = s.stx_uid;
	f->st_gid = s.stx_gid;
	f->st.st_mode = s.stx_mode;
	f->st.dev = makedev(s.stx_dev_major, s.stx_dev_minor);
	f->st.ino = s.stx_ino;
	f->st.nlink = s.stx_nlink;
	f->st.size = s.stx_size;
	f->st.blocks = s.stx_blocks;
}

static void put_stat(const struct walk_fd *r, crfd_fd *f)
{
	f->st = (crfd_fd_stat){.known = KNOWN, .f_mode = r->f_mode, .st_mode = r->mode, .mnt_id = r->mnt_id,
			       .dev = crfd_kernel_dev(r->dev), .rdev = crfd_kernel_dev(r->rdev), .ino = r->ino, .size = r->size,
			       .blocks = r->blocks, .nlink = r->nlink};
	if (r->bits & WALK_VERSION)
		f->st.known |= CRFD_HAS_VERSION;
	if (hides_blocks(r)) {
		f->st.known &= ~(uint32_t)CRFD_HAS_BLOCKS;
		f->st.blocks = 0;
	}
}

/* Finds the kind, and with asks has stat(2) complete what its descriptor alone tells. */
static void put_kind(const struct walk_fd *r, const crfd_batch *b, int asks, crfd_fd *f)
{
	const char *name = (const char *)b->text.v + f->name.off;
	size_t len = f->st.known & CRFD_HAS_PATH ? f->name.len : 0;

	/* Most files: the one path that is a row of the table, linked and of any type, is that of a dma-buf. */
	if (S_ISREG(r->mode) && len > 1 && *name == '/' && name[1] != 'd' && !f->st.flags)
		f->kind = CRFD_KIND_FILE;
	else if (r->bits & WALK_MADE && (r->magic == SOCKFS_MAGIC || r->magic == PIPEFS_MAGIC))
		f->kind = r->magic == SOCKFS_MAGIC ? CRFD_KIND_SOCKET : CRFD_KIND_PIPE;
	else
		f->kind = (uint16_t)crfd_kind_of(name, len, f->st.st_mode, f->st.flags & CRFD_STAT_DELETED);
	if (r->magic == CRFD_MQUEUE_MAGIC && S_ISREG(r->mode))
		f->kind = CRFD_KIND_MQUEUE;
	/*
	 * An anonymous inode has no type for stat(2), but one inside the kernel since 6.16 (fs/anon_inodes.c, fs/pidfs.c).
	 * One that is made for its file alone may show it (virt/kvm/guest_memfd.c).
	 */
	if (asks && (f->kind == CRFD_KIND_KVM || f->kind == CRFD_KIND_ANON))
		complete_stat(r, f);
	else if (len && *name != '/' && f->kind != CRFD_KIND_PIPE && f->kind != CRFD_KIND_SOCKET &&
		 f->kind != CRFD_KIND_NAMESPACE)
		f->st.st_mode &= ~(uint32_t)S_IFMT;
}

/* Makes the fdinfo that says nothing more: fs/proc/fd.c, seq_show(), the ino line since 5.14. */
static int make_fdinfo(const struct walk_fd *r, const crfd_fd *f, struct crfd_bpf_asker *asker)
{
	uint32_t flags = f->f_flags | (f->close_on_exec ? O_CLOEXEC : 0);
	char line[128];
	int n = snprintf(line, sizeof(line), "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%d\nino:\t%llu\n", (long long)r->pos,
			 flags, r->mnt_id, (unsigned long long)r->ino);
	int rc;

	crfd_buf_clear(&asker->scratch);
	rc = crfd_buf_put(&asker->scratch, line, (size_t)n);
	return rc < 0 ? rc : crfd_detail_fdinfo(&asker->detail, (const char *)asker->scratch.v, (size_t)n, (size_t)n);
}

static int read_fdinfo(const struct walk_fd *r, crfd_fd *f, struct crfd_bpf_asker *asker)
{
	crfd_buf *text = &asker->scratch;
	struct crfd_fdinfo info;
	int rc = crfd_proc_read(AT_FDCWD, crfd_proc_path((int32_t)r->tid, "fdinfo", r->fd).v, 0, text);

	if (crfd_is_ours(rc))
		return rc;
	if (rc == -ENOENT || rc == -ESRCH)
		return 0;
	if (rc < 0 || crfd_fdinfo_parse((const char *)text->v, text->nr, &info) < 0) {
		f->err = rc < 0 ? -rc : EINVAL;
		f->step = rc < 0 ? CRFD_STEP_FDINFO : CRFD_STEP_PARSE;
		return 0;
	}
	/* Closed meanwhile, and the number is another file's. */
	if (info.has & CRFD_FDINFO_INO && info.ino != r->ino)
		return 0;
	if (f->kind <= CRFD_KIND_SYMLINK && info.rest >= text->nr)
		return 0;
	return text->nr > INT32_MAX ? -EOVERFLOW :
				      crfd_detail_fdinfo(&asker->detail, (const char *)text->v, text->nr, info.rest);
}

/* The network namespace that the task is in, 0 where we are not told; one look for all the sockets of a task. */
static int find_net_ns(const struct walk_fd *r, struct crfd_bpf_asker *asker)
{
	char link[64];
	uint64_t ino = 0;
	ssize_t n;

	if ((r->bits & WALK_TAIL) != WALK_SOCK || (asker->tid == r->tid && asker->start == r->start))
		return 0;
	n = crfd_proc_link(AT_FDCWD, crfd_proc_path((int32_t)r->tid, "ns/net", -1).v, link, sizeof(link));
	if (n < 0)
		return (int)n;
	asker->net_ns = n > 0 && crfd_procns_parse(link, (size_t)n, &ino) == 0 ? ino : 0;
	asker->tid = r->tid;
	asker->start = r->start;
	return 0;
}

void crfd_bpf_asked_forget(struct crfd_bpf_asked *a)
{
	crfd_objrefs_free(a->key);
	a->key = NULL;
}

void crfd_bpf_asked_release(struct crfd_bpf_asked *a)
{
	crfd_bpf_asked_forget(a);
	free(a->v);
}

/* Whoever has a table reads it in one go. */
static uint64_t key_of(const struct walk_fd *r)
{
	return ident_of(r) ^ mixed(r->start ^ (uint64_t)r->tid << 32);
}

static int recall(const struct crfd_bpf_asked *a, const struct walk_fd *r, crfd_fd *f, crfd_socket *socket)
{
	uint32_t n = a->key ? crfd_objrefs_get(a->key, key_of(r)) : 0;

	if (!n)
		return 0;
	f->ext = a->v[n - 1].ext;
	*socket = a->v[n - 1].socket;
	return 1;
}

static int remember(struct crfd_bpf_asked *a, const struct walk_fd *r, const crfd_fd *f, const crfd_socket *socket)
{
	uint64_t key = key_of(r);
	uint8_t fresh;
	uint32_t n;
	int rc;

	if (f->ext.len < LONG || f->err)
		return 0;
	if (!a->key)
		a->key = crfd_objrefs_new();
	if (!a->key)
		return -ENOMEM;
	rc = crfd_grow(&a->v, &a->alloc, crfd_objrefs_len(a->key) + 1, sizeof(*a->v));
	if (rc >= 0)
		rc = crfd_objrefs_add(a->key, &key, 1, &n, &fresh);
	if (rc >= 0)
		a->v[n - 1] = (struct crfd_bpf_answer){.ext = f->ext, .socket = *socket};
	return rc;
}

/* Gathers what the description says beside the record's fields, and puts it. */
static int put_records(const struct walk_fd *r, crfd_batch *b, struct crfd_bpf_asker *asker, crfd_fd *f,
		       crfd_socket *socket)
{
	struct crfd_detail *d = &asker->detail;
	struct crfd_bpf_tail tail;
	int rc = crfd_bpf_tail_find(r, &tail);

	f->ext = (crfd_span){.off = b->text.nr};
	if (rc < 0 || (f->kind == CRFD_KIND_FILE && r->bits & WALK_PLAIN && !tail.owner))
		return rc;
	if (!(r->bits & WALK_PLAIN) && recall(&asker->asked, r, f, socket))
		return 0;
	crfd_detail_begin(d, f->kind);
	if (!(r->bits & WALK_PLAIN))
		rc = read_fdinfo(r, f, asker);
	else if (!d->ops || d->ops->text == CRFD_TEXT_KEPT)
		rc = make_fdinfo(r, f, asker);
	if (rc >= 0)
		rc = find_net_ns(r, asker);
	if (rc >= 0)
		rc = crfd_bpf_tail_fill(r, &tail, asker->net_ns, d);
	if (rc < 0)
		return rc;
	rc = crfd_getfd_ask(&asker->getfd, (int32_t)r->tid, r->start, f, 0, d);
	if (rc >= 0)
		rc = crfd_names_find(&asker->names, (int32_t)r->tid, f, d);
	if (rc >= 0)
		rc = crfd_detail_put(d, &b->text);
	if (f->kind == CRFD_KIND_SOCKET)
		*socket = d->rec.socket;
	f->ext.len = (uint32_t)(b->text.nr - f->ext.off);
	return rc < 0 || r->bits & WALK_PLAIN ? rc : remember(&asker->asked, r, f, socket);
}

int crfd_bpf_fd(const struct walk_fd *r, crfd_batch *b, uint64_t at, struct crfd_bpf_asker *asker)
{
	crfd_fd *f = &b->fd[at];
	int rc;

	*f = (crfd_fd){.fd = r->fd, .close_on_exec = r->bits & WALK_CLOEXEC,
		       .f_flags = r->f_flags & ~(uint32_t)O_CLOEXEC, .f_uid = r->uid, .f_gid = r->gid, .f_pos = r->pos,
		       .f_version = r->version, .owned = 1, .st_uid = r->st_uid, .st_gid = r->st_gid};
	put_stat(r, f);
	if (needs_stat(r))
		complete_stat(r, f);
	rc = crfd_bpf_name(r, b, f);
	if (rc < 0)
		return rc;
	put_kind(r, b, 1, f);
	if (crfd_is_ours(-f->err))
		return -f->err;
	b->ident[at] = ident_of(r);
	b->locked += (r->bits & WALK_LOCKED) != 0;
	return put_records(r, b, asker, f, &b->socket[at]);
}

int crfd_bpf_file(const struct walk_fd *r, crfd_batch *b, crfd_fd *f, uint64_t *ident)
{
	int rc;

	*f = (crfd_fd){.fd = r->fd};
	put_stat(r, f);
	if (needs_stat(r))
		f->st.known &= ~(uint32_t)KNOWN_BY_STAT;
	rc = crfd_bpf_name(r, b, f);
	if (rc < 0)
		return rc;
	put_kind(r, b, 0, f);
	*ident = ident_of(r);
	return 0;
}
