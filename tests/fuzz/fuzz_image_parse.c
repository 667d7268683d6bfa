/* SPDX-License-Identifier: MIT */
/* Any bytes: fed whole and in pieces they get one verdict, rows and index agree with it, and what is salvaged is an image. */
#include "base/buf.h"
#include "format/format.h"
#include "fuzz.h"
#include "image/image.h"
#include "mutate.h"

/* Grows what the parser sees by `piece` bytes at a time, each time in a block of just that size. */
static int64_t feed(const uint8_t *data, size_t size, size_t piece, crfd_fault *fault)
{
	crfd_parser *p = crfd_parser_new();
	int64_t rc = 0, total = 0;
	size_t pos = 0, end = 0;
	int last;

	REQUIRE(p);
	do {
		size_t used = 0, n;
		uint8_t *block;

		end = size - end < piece ? size : end + piece;
		last = end == size;
		n = end - pos;
		block = exact(data + pos, n);
		rc = crfd_parser_feed(p, block, n, last, NULL, 0, &used, fault);
		free(block);
		REQUIRE(rc < 0 || used <= n);
		pos += used;
		total += rc;
	} while (rc >= 0 && !last);
	REQUIRE(rc < 0 || pos == size);
	crfd_parser_free(p);
	return rc < 0 ? rc : total;
}

static void check_rows(const crfd_rows *r, size_t size)
{
	for (size_t i = 0; i < r->ntasks; i++) {
		const crfd_task_row *t = &r->task[i];

		REQUIRE(t->first_fd + t->nfds <= r->nfds && t->offset + t->length <= size);
		REQUIRE(t->ext_off + t->ext_len <= size);
	}
	for (size_t i = 0; i < r->nfds; i++)
		REQUIRE(r->fd[i].fd >= 0);
	for (size_t i = 1; i < r->nfiles; i++)
		REQUIRE(r->file[i].name_off + r->file[i].name_len < size && r->file[i].ext_off + r->file[i].ext_len <= size);
}

/* Each section alone, through the index; in a correct image each is as the whole has it. */
static void read_sections(const uint8_t *data, size_t size, const crfd_rows *whole)
{
	crfd_index x = {0};
	crfd_fault fault;
	int rc = crfd_index_read(&x, data, size, &fault);

	REQUIRE(!whole || rc >= 0);
	REQUIRE(rc != 1 || !whole || x.nentries == whole->ntasks);
	for (size_t i = 0; i < x.nentries; i++) {
		crfd_rows one = {0};

		rc = crfd_rows_decode(&one, data, size, &x.entry[i], &fault);
		REQUIRE(!whole || (rc == 0 && one.nfds == whole->task[i].nfds));
		if (rc == 0)
			check_rows(&one, size);
		crfd_rows_release(&one);
	}
	crfd_index_release(&x);
}

static void read_salvaged(const uint8_t *data, size_t size, int correct, size_t ntasks)
{
	crfd_salvage s = {0};
	crfd_rows rows = {0};
	crfd_fault fault;
	int rc = crfd_salvage_read(&s, data, size, &fault);

	REQUIRE(rc == 0 || rc < -4096);
	if (rc == 0) {
		REQUIRE(feed(s.image.v, s.image.nr, s.image.nr, &fault) > 0);
		REQUIRE(crfd_rows_decode(&rows, s.image.v, s.image.nr, NULL, &fault) == 0);
		/* A record of a type that nobody knows may have sections in its payload. */
		REQUIRE(!correct || rows.ntasks >= ntasks);
	}
	crfd_rows_release(&rows);
	crfd_salvage_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	crfd_fault whole = {0}, pieces = {0}, fault;
	int64_t verdict = feed(data, size, size ? size : 1, &whole);
	size_t piece = size ? 1 + data[size / 2] % 97 : 1;
	crfd_rows rows = {0};
	int rc;

	REQUIRE(feed(data, size, piece, &pieces) == verdict);
	REQUIRE(memcmp(&whole, &pieces, sizeof(whole)) == 0);
	rc = crfd_rows_decode(&rows, data, size, NULL, &fault);
	REQUIRE(verdict < 0 || rc == 0);
	if (rc == 0)
		check_rows(&rows, size);
	read_sections(data, size, verdict < 0 ? NULL : &rows);
	read_salvaged(data, size, verdict >= 0, rows.ntasks);
	crfd_rows_release(&rows);
	return 0;
}
