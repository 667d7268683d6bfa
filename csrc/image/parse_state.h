/* SPDX-License-Identifier: MIT */
/* The parser's state: how it begins and ends, and how it says no. */
#ifndef CRFD_PARSE_STATE_H
#define CRFD_PARSE_STATE_H

#include "format/format.h"
#include "image/image.h"

/* The state says what may come next. */
enum crfd_parse_state {
	CRFD_AT_HEAD,
	CRFD_AT_INFO,
	CRFD_AT_IMAGE, /* image records, then what AT_SECTION takes */
	CRFD_AT_SECTION, /* a section, or the end */
	CRFD_AT_RFC, /* the same without extensions */
	CRFD_AT_SINGLE, /* a section alone */
	CRFD_AT_COMM,
	CRFD_AT_TASK_INFO,
	CRFD_AT_TASK, /* task records, FILES */
	CRFD_AT_FILES,
	CRFD_AT_ENT,
	CRFD_AT_DATA,
	CRFD_AT_NAME,
	CRFD_AT_STAT,
	CRFD_AT_MORE, /* description records, FD_ENT */
	CRFD_AT_MORE_LAST, /* description records, SECTION_SUM */
	CRFD_AT_SUM,
	CRFD_AT_CLOSE, /* image records after the sections, index */
	CRFD_AT_INDEX,
	CRFD_AT_TAIL,
	CRFD_AT_END
};

struct crfd_parser {
	uint8_t state; /* enum crfd_parse_state */
	uint8_t extended;
	uint8_t unsummed; /* leave bytes unsummed and take the sums for right */
	uint8_t single; /* one section alone: that of want */
	uint8_t guessed; /* of want nothing is sure but where it begins */
	crfd_index_entry want;
	crfd_fault fault; /* code != 0: refused for good */
	uint64_t offset; /* of the record being parsed */

	const uint8_t *summing; /* first byte not summed yet */
	uint32_t crc; /* of the image, up to the section being parsed */
	uint32_t section_crc; /* of the section's bytes so far */

	crfd_index_entry here; /* the section being parsed */
	uint64_t next_objref;
	uint64_t next_table;
	uint32_t due; /* FD_ENTs still to come */
	int32_t fd; /* the last one, -1 before the first */
	uint32_t objref; /* of the last FD_ENT */
	uint16_t f_mode; /* of the last FD_DATA */
	int32_t *failed; /* fds of the task's FD_ERRORs, ascending */
	size_t nfailed, failed_alloc;
	size_t failed_seen; /* of those, below the last FD_ENT's fd */
	int32_t polled; /* fd of the task's last POLLED, 0 before the first */

	crfd_image_sum sum; /* what IMAGE_SUM has to say */
	uint32_t expected_index_crc; /* of the entries that the sections make */
	uint64_t index_entries; /* found in the INDEX records */

	struct crfd_pid_at *pids; /* of the sections so far, in order */
	size_t npids, pids_alloc;
	uint8_t unordered; /* they do not ascend, so the end must look whether one comes twice */
};

struct crfd_pid_at {
	uint64_t offset; /* of the section */
	uint32_t pid;
};

/* Begins a parser in the caller's memory: of a whole image, or of the section at *at. */
void crfd_parser_init(crfd_parser *p, const crfd_index_entry *at);
void crfd_parser_release(crfd_parser *p);

/* Notes why the record at p->offset is refused, at a byte of it, and returns the code. */
int crfd_parser_refuse(crfd_parser *p, int code, size_t at, uint64_t expected, uint64_t found);
#define REFUSE(p, code, type, member, expected, found)                                                           \
	crfd_parser_refuse(p, code, sizeof(crfd_rec) + offsetof(type, member), (uint64_t)(expected), (uint64_t)(found))

/* Checks the text of `size` bytes at byte `at` of the payload: nothing but zeros after its first NUL. */
int crfd_parser_zeros(crfd_parser *p, const char *text, size_t size, size_t at);

#endif
