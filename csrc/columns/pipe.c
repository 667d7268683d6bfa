/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>

#include "columns/column.h"

static const char *const ends[] = {NULL, "read", "write", "both"};

/* One opened with O_PATH is only a name. */
static int is_told(const struct crfd_row *r)
{
	return (r->st.f_mode & (FMODE_READ | FMODE_WRITE)) != 0;
}

static int get_packet(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	int is_pipe = r->data.fd_type == CRFD_KIND_PIPE;

	(void)c, (void)s;
	return !is_pipe || r->st.known & CRFD_HAS_FLAGS ? crfd_value_number(v, is_pipe && r->data.f_flags & O_DIRECT) : 0;
}

#define PIPE(name, text, unit, member, bit)                                                                           \
	CRFD_MEMBER("pipe." name, text, KIND, INT, unit, 0, RECORD, CRFD_REC_PIPE, crfd_pipe, member,                 \
		    offsetof(crfd_pipe, known), CRFD_PIPE_HAS_##bit)

static const struct crfd_column columns[] = {
	CRFD_MEMBER("pipe.end", "read, write or both", KIND, TEXT, NONE, CRFD_COLUMN_FEW, FILE, 0, struct crfd_row, st.f_mode, CRFD_ALWAYS,
		    0, CRFD_READING(.mask = FMODE_READ | FMODE_WRITE, CRFD_NAMES(ends), .family = &crfd_family_pipe)),
	CRFD_CALL("pipe.packet", "whether each write is read by itself (O_DIRECT of pipe2(2))", KIND, BOOL, NONE, 0, get_packet,
		  CRFD_READING(.family = &crfd_family_pipe)),
	PIPE("capacity", "bytes that it can hold", BYTES, capacity, CAPACITY),
	PIPE("waiting", "bytes to be read", BYTES, waiting, WAITING),
	PIPE("readers", "open ends to read from", NONE, readers, ENDS),
	PIPE("writers", "open ends to write to", NONE, writers, ENDS),
};

const struct crfd_family crfd_family_pipe = {
	"pipe", {CRFD_KIND_PIPE, CRFD_KIND_FIFO}, {0}, columns, CRFD_LEN(columns), .is_told = is_told,
	.phrase = " {end}<{packet?} packet>< {waiting}B waiting>< of {capacity}B>< readers={readers} writers={writers}>",
};

#define MQUEUE(name, text, unit, member)                                                                              \
	CRFD_MEMBER("mqueue." name, text, KIND, UINT, unit, 0, RECORD, CRFD_REC_MQUEUE, crfd_mqueue, member,          \
		    CRFD_ALWAYS, 0)

static const struct crfd_column mqueue_columns[] = {
	MQUEUE("maxmsg", "messages that it holds at most", NONE, maxmsg),
	MQUEUE("msgsize", "bytes of the longest message", BYTES, msgsize),
	MQUEUE("curmsgs", "messages that wait", NONE, curmsgs),
};

const struct crfd_family crfd_family_mqueue = {
	"mqueue", {CRFD_KIND_MQUEUE}, {CRFD_REC_MQUEUE}, mqueue_columns, CRFD_LEN(mqueue_columns),
	.phrase = " {curmsgs} of {maxmsg} messages of {msgsize}B",
};
