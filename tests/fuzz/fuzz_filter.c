/* SPDX-License-Identifier: MIT */
/* A program of a condition (one byte: how many ops, then those, then text): refused with a reason, or evaluated on rows. */
#include "columns/column.h"
#include "filter/filter.h"
#include "fuzz.h"

static const struct crfd_row_task task = {.info = {.pid = 7, .uid = 1, .known = CRFD_TASK_HAS_STATUS}, .comm = "cat"};

static void evaluate(const crfd_filter *f, const struct crfd_row *row)
{
	struct crfd_scratch s = {0};
	int first = crfd_filter_eval(f, &s, row);

	REQUIRE(first == 0 || first == 1);
	REQUIRE(crfd_filter_eval(f, &s, row) == first);
	crfd_scratch_release(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t n = size ? data[0] : 0, room = size ? (size - 1) / sizeof(crfd_filter_op) : 0;
	struct crfd_row row = {.task = &task, .fd = 3, .objref = 1, .is_read = 1, .data.fd_type = CRFD_KIND_FILE};
	crfd_filter_fault fault;
	crfd_filter *f = NULL;
	crfd_filter_op *op;
	uint8_t *text, *name;
	size_t ntext;

	n = n < room ? n : room;
	op = exact(data + (size != 0), n * sizeof(*op));
	ntext = size - (size != 0) - n * sizeof(*op);
	text = exact(data + size - ntext, ntext);
	name = exact("/var/log/a.log", 14);
	row.name = (struct crfd_bytes){name, 14};
	row.st = (crfd_fd_stat){.known = CRFD_HAS_FLAGS | CRFD_HAS_PATH | CRFD_HAS_SIZE | CRFD_HAS_DELETED, .size = 5000};
	if (crfd_filter_new(op, n, text, ntext, &f, &fault) == 0) {
		evaluate(f, &row);
		row = (struct crfd_row){.task = &task, .fd = 4, .err = 13, .step = 2};
		evaluate(f, &row);
	} else {
		REQUIRE(!f && fault.why[0] && memchr(fault.why, 0, sizeof(fault.why)) && fault.op <= n);
	}
	crfd_filter_free(f);
	free(op);
	free(text);
	free(name);
	return 0;
}
