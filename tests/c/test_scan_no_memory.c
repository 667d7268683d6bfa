/* SPDX-License-Identifier: MIT */
/*
 * A dump and its reading with every allocation refused in turn: once alone, once with all that follow. Each run must say
 * -ENOMEM, crash nowhere and leave no fd open; LeakSanitizer looks for the memory at exit.
 */
#define _GNU_SOURCE /* memfd_create */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/base.h"
#include "batch/batch.h"
#include "bpf/probe.h"
#include "check.h"
#include "format/format.h"
#include "image/image.h"
#include "oom.h"
#include "render/render.h"
#include "scan/scanner.h"

#define FDS 4096

typedef struct {
	crfd_scanner *scanner;
	crfd_batch *batch;
	crfd_objrefs *objrefs;
	crfd_encoder *encoder;
	crfd_parser *parser;
	crfd_buf image;
	crfd_rows rows;
} state;

static uint32_t objref[FDS];
static uint8_t fresh[FDS];

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	CHECK(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int write_batches(state *s, int rfc)
{
	crfd_rfc_refusal first;
	int rc;

	while ((rc = crfd_scanner_next(s->scanner, s->batch)) == 1) {
		for (size_t i = 0; i < s->batch->ntasks; i++)
			if (s->batch->task[i].err)
				return -s->batch->task[i].err;
		if (rfc && crfd_batch_keep_rfc(s->batch, 1, &first) < 0)
			return -EINVAL;
		CHECK(s->batch->nfds <= FDS);
		rc = crfd_objrefs_add(s->objrefs, s->batch->ident, s->batch->nfds, objref, fresh);
		if (rc < 0)
			return rc;
		while ((rc = crfd_encode_batch(s->encoder, s->batch, objref, fresh, 1000, &s->image)) == 1)
			;
		if (rc < 0)
			return rc;
	}
	return rc;
}

static int dump(state *s, int backend, int rfc)
{
	int32_t pid = getpid();
	int rc;

	s->batch = crfd_batch_new();
	s->objrefs = crfd_objrefs_new();
	s->encoder = crfd_encoder_new(rfc);
	if (!s->batch || !s->objrefs || !s->encoder)
		return -ENOMEM;
	rc = crfd_scanner_new(&pid, 1, &(crfd_scan_options){.backend = backend, .threads = 2, .flags = CRFD_SCAN_HOLDS | CRFD_SCAN_POLLS},
			      &s->scanner);
	if (rc >= 0)
		rc = crfd_encode_head(s->encoder, backend, 0, &s->image);
	if (rc >= 0)
		rc = write_batches(s, rfc);
	return rc < 0 ? rc : crfd_encode_tail(s->encoder, &s->image);
}

static int parse(state *s)
{
	crfd_fault fault;
	size_t used;
	int64_t n;

	s->parser = crfd_parser_new();
	if (!s->parser)
		return -ENOMEM;
	n = crfd_parser_feed(s->parser, s->image.v, s->image.nr, 1, NULL, SIZE_MAX, &used, &fault);
	if (n >= 0)
		CHECK_EQ(used, s->image.nr);
	return n < 0 ? (int)n : 0;
}

static int read_one_task(state *s)
{
	crfd_fault fault;
	crfd_index index = {0};
	crfd_rows one = {0};
	int rc = crfd_index_read(&index, s->image.v, s->image.nr, &fault);

	if (rc <= 0)
		return rc;
	CHECK_EQ(index.nentries, 1);
	CHECK_EQ(index.entry->nfds, s->rows.nfds);
	rc = crfd_rows_decode(&one, s->image.v, s->image.nr, index.entry, &fault);
	if (rc >= 0)
		CHECK_EQ(one.nfds, s->rows.nfds);
	crfd_rows_release(&one);
	crfd_index_release(&index);
	return rc;
}

/* Every column of every row, sorted, so that rows are held as well. */
static int render(state *s, int format)
{
	uint16_t column[256], key[] = {4, 7};
	uint8_t descending[] = {1, 0};
	crfd_render_options o = {.column = column, .ncolumns = crfd_columns_len(), .key = key, .descending = descending, .nkeys = 2,
				 .format = (uint8_t)format};
	crfd_reader *r = crfd_reader_new_image(s->image.v, s->image.nr);
	crfd_render *v = NULL;
	crfd_buf out = {0};
	crfd_fault fault;
	int rc = r ? 0 : -ENOMEM;

	CHECK(o.ncolumns <= COUNT_OF(column));
	for (size_t i = 0; i < o.ncolumns; i++)
		column[i] = (uint16_t)i;
	if (rc >= 0)
		rc = crfd_reader_check(r, SIZE_MAX, &fault);
	if (rc >= 0)
		rc = crfd_render_new(&o, &v);
	if (rc >= 0)
		rc = crfd_render_rows(v, r, SIZE_MAX, &out);
	if (rc >= 0)
		rc = crfd_render_end(v, SIZE_MAX, &out);
	if (rc >= 0)
		CHECK_RANGE(crfd_render_count(v), 100, INT64_MAX);
	crfd_render_free(v);
	crfd_reader_free(r);
	crfd_buf_release(&out);
	return rc;
}

static int cycle(int backend, int rfc)
{
	state s = {0};
	crfd_fault fault;
	int rc = dump(&s, backend, rfc);

	if (rc >= 0)
		rc = parse(&s);
	if (rc >= 0)
		rc = crfd_rows_decode(&s.rows, s.image.v, s.image.nr, NULL, &fault);
	if (rc >= 0)
		CHECK(s.rows.ntasks == 1 && s.rows.nfds >= 100);
	if (rc >= 0)
		rc = read_one_task(&s);
	if (rc >= 0)
		rc = render(&s, rfc ? CRFD_RENDER_TABLE : CRFD_RENDER_JSON);
	crfd_rows_release(&s.rows);
	crfd_parser_free(s.parser);
	crfd_scanner_free(s.scanner);
	crfd_batch_free(s.batch);
	crfd_objrefs_free(s.objrefs);
	crfd_encoder_free(s.encoder);
	crfd_buf_release(&s.image);
	crfd_bpf_unload(); /* so that loading is part of every run */
	return rc;
}

/* Enough descriptors for arrays to grow, and alike enough for identity to be a question. */
static void open_some(void)
{
	int eighty;

	for (int i = 0; i < 100; i++)
		CHECK(open("/proc/self/exe", O_RDONLY | O_CLOEXEC) >= 0 && dup(0) >= 0);
	for (int i = 0; i < 100; i++)
		CHECK(eventfd(0, EFD_CLOEXEC) >= 0);
	for (int i = 0; i < 100; i++) {
		int fds[4];

		CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0 && pipe(fds + 2) == 0);
		CHECK(fcntl(fds[i % 4], F_SETOWN, getpid()) == 0);
	}
	CHECK(memfd_create("memfd", 0) >= 0);
	eighty = open("/dev/shm", O_TMPFILE | O_RDWR, 0600); /* as long as a message queue: its mount is looked up */
	CHECK(eighty < 0 || ftruncate(eighty, 80) == 0);
}

static void refuse_each(int backend, int rfc, int after)
{
	long refused = 1, n;
	int fds = count_fds();
	char row[64];

	for (n = 1; refused; n++) {
		int rc;

		oom_arm(n, after);
		rc = cycle(backend, rfc);
		refused = oom_disarm();
		snprintf(row, sizeof(row), "backend %d%s, allocation %ld", backend, rfc ? " rfc" : "", n);
		check_row(row);
		CHECK_EQ(rc, refused ? -ENOMEM : 0);
		CHECK_EQ(count_fds(), fds);
	}
	printf("backend %d%s: %ld allocations refused%s\n", backend, rfc ? " rfc" : "", n - 2,
	       after ? " with all after them" : "");
	CHECK_RANGE(n, 11, LONG_MAX);
	check_row(NULL);
}

int main(void)
{
	char why[512];
	int backends = crfd_bpf_probe(why, sizeof(why)) < 0 ? 1 : 2;

	crfd_bpf_unload();
	open_some();
	if (backends == 1)
		printf("bpf left out: %s\n", why);
	for (int i = 0; i < backends; i++)
		for (int mode = 0; mode < 4; mode++)
			refuse_each(i ? CRFD_BACKEND_BPF : CRFD_BACKEND_PROC, mode & 1, mode >> 1);
	return check_status();
}
