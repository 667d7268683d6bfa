/* SPDX-License-Identifier: MIT */
/* Descriptors counted by columns: whose they are, each deleted inode once a group, and no memory. */
#include "tally/tally.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "batch/batch.h"
#include "check.h"
#include "columns/column.h"
#include "oom.h"

#define NFDS 6
#define MANY 500

/* Two processes: of the first two descriptors are one deleted file of 8 blocks, a third is another of the same. */
static crfd_batch *make(uint32_t *objref)
{
	static const struct {
		uint64_t ino;
		uint32_t objref;
	} fds[NFDS] = {{7, 1}, {7, 1}, {8, 2}, {0, 3}, {7, 1}, {0, 0}};
	crfd_batch *b = crfd_batch_new();

	for (int i = 0; b && i < NFDS; i++) {
		crfd_task *t = i == 0 || i == 4 ? crfd_batch_task(b) : &b->task[b->ntasks - 1];
		crfd_fd *f = t ? crfd_batch_fds(b, 1) : NULL;

		if (!f) {
			crfd_batch_free(b);
			return NULL;
		}
		t->info.pid = i < 4 ? 10 : 11;
		*f = (crfd_fd){.fd = i, .kind = fds[i].ino ? CRFD_KIND_FILE : CRFD_KIND_PIPE, .err = fds[i].objref ? 0 : EACCES};
		f->st.known = CRFD_HAS_DELETED | CRFD_HAS_BLOCKS | CRFD_HAS_NLINK | CRFD_HAS_TYPE | CRFD_HAS_INO | CRFD_HAS_DEV;
		f->st.ino = fds[i].ino;
		f->st.st_mode = fds[i].ino ? S_IFREG : S_IFIFO;
		f->st.blocks = 8;
		f->st.flags = fds[i].ino ? CRFD_STAT_DELETED : 0;
		objref[i] = fds[i].objref;
	}
	return b;
}

static uint16_t column(const char *name)
{
	return (uint16_t)crfd_column_find(name, strlen(name));
}

static int count(crfd_batch *b, const uint32_t *objref, const char *by, crfd_tally **out)
{
	crfd_reader *r = crfd_reader_new_batch(b, objref);
	uint16_t number = column(by);
	crfd_tally *t = NULL;
	int rc = r ? crfd_tally_new(&number, 1, NULL, 1, &t) : -ENOMEM;

	while (rc >= 0 && (rc = crfd_tally_rows(t, r, 4)) == 1)
		;
	crfd_reader_free(r);
	if (rc < 0)
		crfd_tally_free(t);
	else
		*out = t;
	return rc;
}

static void test_groups(void)
{
	static const struct {
		const char *name, *key;
		uint64_t fds, unread, deleted_bytes;
		uint32_t files, pipes;
	} pids[] = {
		{"the larger comes first", "10", 4, 0, 8192, 3, 1},
		{"one that could not be read is counted, but of no kind", "11", 2, 1, 4096, 1, 0},
	};
	uint32_t objref[NFDS];
	crfd_batch *b = make(objref);
	const crfd_tally_group *g;
	const uint8_t *text;
	crfd_tally *t;
	size_t n, i = 0;

	CHECK(b && count(b, objref, "pid", &t) == 0);
	g = crfd_tally_groups(t, &n, &text);
	CHECK(n == COUNT_OF(pids));
	FOR_ROWS(row, pids) {
		const uint32_t *kind = crfd_tally_kinds(t, g[i].number);

		CHECK_STR((const char *)text + g[i].key, row->key);
		CHECK_EQ(g[i].fds, row->fds);
		CHECK_EQ(g[i].unread, row->unread);
		CHECK_EQ(g[i].deleted_bytes, row->deleted_bytes);
		CHECK_EQ(kind[CRFD_KIND_FILE], row->files);
		CHECK_EQ(kind[CRFD_KIND_PIPE], row->pipes);
		i++;
	}
	crfd_tally_free(t);
	CHECK(count(b, objref, "ino", &t) == 0);
	g = crfd_tally_groups(t, &n, &text);
	CHECK_EQ(n, 4); /* 7, 8, 0 and what is not known */
	CHECK_STR((const char *)text + g[0].key, "7");
	CHECK_EQ(g[0].deleted_bytes, 4096);
	crfd_tally_free(t);
	crfd_batch_free(b);
}

/* More groups than the first tables hold. */
static void test_many(void)
{
	crfd_batch *b = crfd_batch_new();
	uint32_t objref[MANY];
	const uint8_t *text;
	crfd_tally *t;
	crfd_fd *f;
	size_t n;

	CHECK(b && crfd_batch_task(b) && (f = crfd_batch_fds(b, MANY)));
	for (uint32_t i = 0; i < MANY; i++) {
		f[i] = (crfd_fd){.fd = (int32_t)i, .kind = CRFD_KIND_FILE};
		objref[i] = 1;
	}
	CHECK(count(b, objref, "fd", &t) == 0);
	crfd_tally_groups(t, &n, &text);
	CHECK_EQ(n, MANY);
	crfd_tally_free(t);
	crfd_batch_free(b);
}

static void test_refused(void)
{
	uint16_t list = column("epoll.targets"), beyond = 0xffff;
	crfd_tally *t;

	CHECK_EQ(crfd_tally_new(&list, 1, NULL, 0, &t), -EINVAL);
	CHECK_EQ(crfd_tally_new(&beyond, 1, NULL, 0, &t), -EINVAL);
	CHECK_EQ(crfd_tally_new(&list, 0, NULL, 0, &t), -EINVAL);
}

static void test_no_memory(void)
{
	uint32_t objref[NFDS];
	crfd_batch *b = make(objref);
	long refused = 1;

	CHECK(b);
	for (long n = 1; refused; n++) {
		crfd_tally *t = NULL;
		int rc;

		oom_arm(n, 1);
		rc = count(b, objref, "pid", &t);
		refused = oom_disarm();
		CHECK_EQ(rc, refused ? -ENOMEM : 0);
		crfd_tally_free(t);
	}
	crfd_batch_free(b);
}

int main(void)
{
	test_groups();
	test_many();
	test_refused();
	test_no_memory();
	return check_status();
}
