/* SPDX-License-Identifier: MIT */
#include "columns/column.h"

#include <errno.h>
#include <string.h>

#include "columns/common.h"

const struct crfd_column *crfd_column_at(size_t number)
{
	if (number < crfd_common_len)
		return &crfd_common[number];
	number -= crfd_common_len;
	for (size_t i = 0; i < crfd_families_len; number -= crfd_families[i++]->ncolumns)
		if (number < crfd_families[i]->ncolumns)
			return &crfd_families[i]->column[number];
	return NULL;
}

size_t crfd_columns_len(void)
{
	size_t n = crfd_common_len;

	for (size_t i = 0; i < crfd_families_len; i++)
		n += crfd_families[i]->ncolumns;
	return n;
}

const crfd_column_info *crfd_columns_get(size_t number)
{
	const struct crfd_column *c = crfd_column_at(number);

	return c ? &c->info : NULL;
}

int crfd_column_find(const char *name, size_t len)
{
	const struct crfd_column *c;

	for (size_t i = 0; (c = crfd_column_at(i)); i++)
		if (strlen(c->info.name) == len && !memcmp(c->info.name, name, len))
			return (int)i;
	return -ENOENT;
}
