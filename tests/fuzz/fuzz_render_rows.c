/* SPDX-License-Identifier: MIT */
/* Any bytes that the parser takes for an image, all columns of each row, in every form. */
#include "base/buf.h"
#include "fuzz.h"
#include "mutate.h"
#include "render/render.h"

#define MOST 256 /* columns */

static crfd_reader *open_image(const uint8_t *data, size_t size)
{
	crfd_reader *r = crfd_reader_new_image(data, size);
	crfd_fault fault;
	int rc;

	REQUIRE(r);
	while ((rc = crfd_reader_check(r, 1000, &fault)) == 1)
		;
	if (rc == 0)
		return r;
	crfd_reader_free(r);
	return NULL;
}

/* A terminal gets no control characters. */
static void check_text(const crfd_buf *text)
{
	for (size_t i = 0; i < text->nr; i++)
		REQUIRE((text->v[i] >= 0x20 && text->v[i] != 0x7f) || text->v[i] == '\n' || text->v[i] == '\r');
}

static uint64_t render(const uint8_t *data, size_t size, int format, int sorted)
{
	uint16_t column[MOST], key[2] = {4, 7};
	uint8_t descending[2] = {1, 0};
	crfd_render_options o = {.column = column, .ncolumns = crfd_columns_len(), .format = (uint8_t)format, .width = sorted ? 80 : 0};
	crfd_reader *r = open_image(data, size);
	crfd_buf out = {0};
	crfd_render *v;
	uint64_t rows;
	int rc;

	REQUIRE(r && o.ncolumns <= MOST);
	for (size_t i = 0; i < o.ncolumns; i++)
		column[i] = (uint16_t)i;
	if (sorted) {
		o.key = key;
		o.descending = descending;
		o.nkeys = 2;
	}
	REQUIRE(crfd_render_new(&o, &v) == 0);
	while ((rc = crfd_render_rows(v, r, 1 << 16, &out)) == 1)
		;
	REQUIRE(rc == 0);
	while ((rc = crfd_render_end(v, 1 << 16, &out)) == 1)
		;
	REQUIRE(rc == 0);
	if (format != CRFD_RENDER_NUL)
		check_text(&out);
	rows = crfd_render_count(v);
	crfd_render_free(v);
	crfd_reader_free(r);
	crfd_buf_release(&out);
	return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *image = exact(data, size);
	crfd_reader *r = open_image(image, size);

	if (r) {
		uint64_t rows = render(image, size, CRFD_RENDER_TABLE, 0);

		crfd_reader_free(r);
		for (int format = CRFD_RENDER_TABLE; format <= CRFD_RENDER_NUL; format++)
			REQUIRE(render(image, size, format, format & 1) == rows);
	}
	free(image);
	return 0;
}
