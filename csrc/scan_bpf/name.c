/* SPDX-License-Identifier: MIT */
#include "scan_bpf/name.h"

#include <errno.h>
#include <linux/magic.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "scan_bpf/source.h"

enum { MAGIC_PIDFS = 0x50494446 }; /* older <linux/magic.h> do not have it */
#define ANON_INODE "anon_inode:"
#define DELETED " (deleted)" /* fs/d_path.c */
#define DELETED_LEN (sizeof(DELETED) - 1)

/* The length of the path without the kernel's " (deleted)". */
static size_t name_len(const struct walk_fd *r, const char *path, size_t len, uint32_t *flags)
{
	if (!(r->bits & (WALK_UNLINKED | WALK_UNNAMED)) || len <= DELETED_LEN ||
	    memcmp(path + len - DELETED_LEN, DELETED, DELETED_LEN) != 0)
		return len;
	*flags |= CRFD_STAT_DELETED;
	return len - DELETED_LEN;
}

static int put_text(crfd_batch *b, const char *start, size_t start_len, const char *end, size_t end_len, crfd_fd *f)
{
	size_t len = start_len + end_len;
	int rc = crfd_buf_reserve(&b->text, len);
	uint8_t *to;

	if (rc < 0)
		return rc;
	to = b->text.v + b->text.nr;
	memcpy(to, start, start_len);
	memcpy(to + start_len, end, end_len);
	f->name = (crfd_span){.off = b->text.nr, .len = (uint32_t)len};
	b->text.nr += len;
	return 0;
}

static int put_namespace(crfd_batch *b, const char *name, size_t len, const char *number, size_t number_len, crfd_fd *f)
{
	char word[34];

	if (len > sizeof(word) - 2)
		return -EPROTO;
	memcpy(word, name, len);
	memcpy(word + len, ":[", 2);
	return put_text(b, word, len + 2, number, number_len, f);
}

/*
 * Makes the text as anon_inodefs_dname() of fs/anon_inodes.c, pidfs_dname() of fs/pidfs.c, sockfs_dname() of net/socket.c,
 * pipefs_dname() of fs/pipe.c and ns_dname() of fs/nsfs.c do.
 */
static int put_made(const struct walk_fd *r, crfd_batch *b, const char *name, size_t len, crfd_fd *f)
{
	const char *word = r->magic == SOCKFS_MAGIC ? "socket:[" : "pipe:[";
	char number[21], *digits;

	if (r->magic == ANON_INODE_FS_MAGIC || r->magic == MAGIC_PIDFS)
		return put_text(b, ANON_INODE, sizeof(ANON_INODE) - 1, name, len, f);
	number[20] = ']';
	digits = crfd_number_text(r->ino, number + 20);
	if (r->magic == NSFS_MAGIC)
		return put_namespace(b, name, len, digits, (size_t)(number + sizeof(number) - digits), f);
	return put_text(b, word, strlen(word), digits, (size_t)(number + sizeof(number) - digits), f);
}

int crfd_bpf_name(const struct walk_fd *r, crfd_batch *b, crfd_fd *f)
{
	const char *path = (const char *)(r + 1);
	size_t len = r->path > 0 ? (size_t)r->path - 1 : 0;

	f->st.known |= CRFD_HAS_PATH;
	if (r->bits & WALK_MADE)
		return put_made(r, b, path, len, f);
	if (r->bits & WALK_SIBLING)
		return put_text(b, (const char *)(crfd_bpf_dir_of(r) + 1), crfd_bpf_dir_of(r)->dir, path, len, f);
	if (len)
		return put_text(b, path, name_len(r, path, len, &f->st.flags), "", 0, f);
	f->st.known &= ~(uint32_t)CRFD_HAS_PATH;
	f->st.flags = r->bits & WALK_UNLINKED ? CRFD_STAT_DELETED : 0;
	f->err = r->path < 0 ? -r->path : EINVAL;
	f->step = CRFD_STEP_LINK;
	return put_text(b, "?", 1, "", 0, f);
}
