/* SPDX-License-Identifier: MIT */
#include "columns/column.h"
#include "columns/reader.h"
#include "filter/filter.h"

int64_t crfd_filter_select(const crfd_filter *f, crfd_reader *r, uint64_t *at, uint64_t *out, size_t max)
{
	struct crfd_scratch s = {0};
	uint64_t number = *at;
	struct crfd_row row;
	size_t n = 0;
	int rc = 0;

	while (n < max && rc >= 0 && crfd_reader_next(r, &row) == 1) {
		rc = crfd_filter_eval(f, &s, &row);
		if (rc == 1)
			out[n++] = number;
		number++;
	}
	crfd_scratch_release(&s);
	if (rc < 0)
		return rc;
	*at = number;
	return (int64_t)n;
}
