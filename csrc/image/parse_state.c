/* SPDX-License-Identifier: MIT */
#include "image/parse_state.h"

#include <stdlib.h>
#include <string.h>

void crfd_parser_init(crfd_parser *p, const crfd_index_entry *at)
{
	*p = (crfd_parser){.next_objref = 1, .next_table = 1};
	if (!at)
		return;
	p->state = CRFD_AT_SINGLE;
	p->extended = p->single = 1;
	p->want = *at;
	p->offset = at->offset;
	p->next_objref = at->first_objref;
}

void crfd_parser_release(crfd_parser *p)
{
	free(p->failed);
	free(p->pids);
}

int crfd_parser_refuse(crfd_parser *p, int code, size_t at, uint64_t expected, uint64_t found)
{
	p->fault.code = code;
	p->fault.offset = p->offset + at;
	p->fault.expected = expected;
	p->fault.found = found;
	return code;
}

int crfd_parser_zeros(crfd_parser *p, const char *text, size_t size, size_t at)
{
	for (size_t i = strnlen(text, size); i < size; i++)
		if (text[i])
			return crfd_parser_refuse(p, CRFD_E_PADDING, sizeof(crfd_rec) + at + i, 0, (uint8_t)text[i]);
	return 0;
}
