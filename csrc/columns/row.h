/* SPDX-License-Identifier: MIT */
/* A row is one descriptor with all that is known of it, wherever it was read from; a value is what a column says of it. */
#ifndef CRFD_ROW_H
#define CRFD_ROW_H

#include "batch/batch.h"
#include "format/format.h"

struct crfd_bytes {
	const uint8_t *p;
	size_t n;
};

/* Records of one parent. */
struct crfd_records {
	const uint8_t *p;
	size_t n;
	struct crfd_finds *finds; /* NULL: nothing is remembered of them */
};

/* Returns what comes after the record with that payload. */
static inline struct crfd_records crfd_records_after(struct crfd_records r, const uint8_t *payload, size_t len)
{
	return (struct crfd_records){payload + len, (size_t)(r.p + r.n - payload) - len, r.finds};
}

/* All rows of one task have this in common. */
struct crfd_row_task {
	size_t number; /* of it among those of the reader, from 1 */
	crfd_task_rec rec;
	crfd_task_info info; /* pid always; the rest as its `known` says */
	char comm[16];
	uint32_t table; /* FILES.objref: 0 for a table that one task alone uses */
	uint32_t nfds;
	struct crfd_records ext; /* extension records of the task */
	int64_t started; /* seconds since 1970, 0: not known */
	uint64_t net_ns; /* inode of our own network namespace, where it is of the kernel that the task is of; 0: not known */
	const uint8_t *polls; /* TASK_POLLS record; NULL: nobody asked what its threads wait for */
	struct crfd_records mounts; /* the same of the task whose table it shares, which has the TASK_MOUNTs */
};

/* Everything that it points to lives until the reader is asked for the next row. */
struct crfd_row {
	const struct crfd_row_task *task;
	int32_t fd;
	uint32_t objref; /* 0: the descriptor could not be read, or there is none */
	uint16_t held; /* enum crfd_held_by of a file without a descriptor, whose fd is -1; 0: it is one */
	uint16_t is_read; /* whether data, st, name and ext say anything */
	uint32_t uses; /* descriptors of this objref; 0: not counted */
	uint32_t close_on_exec;
	int32_t err; /* errno of what could not be read, 0: nothing */
	uint32_t step; /* enum crfd_step */
	crfd_fd_data data;
	crfd_fd_stat st;
	uint32_t owned, st_uid, st_gid; /* owned: the other two are known */
	struct crfd_bytes name;
	struct crfd_records ext; /* extension records of the description, SOCKET may be among them */
	crfd_socket socket; /* of one: all that its SOCKET records say; known 0: nothing */
	struct crfd_records locks; /* FD_LOCK records from the first of this fd on: those of others may follow */
	struct crfd_records polled; /* POLLED records, the same way */
	const uint8_t *holding; /* HELD record of what is held */
	const uint8_t *entry; /* of a list: the one that a column is read from */
	struct crfd_peers *peers; /* of the image that it is from; NULL: nothing is known of others */
};

/* Returns 1 where nothing is to be said but what every file has: no family, no locks, no failure. */
static inline int crfd_row_is_plain(const struct crfd_row *r)
{
	return r->is_read && !r->held && r->data.fd_type <= CRFD_KIND_SYMLINK && !r->ext.n && !r->locks.n && !r->task->polls && !r->err;
}

struct crfd_value {
	int known; /* the rest means nothing where it is 0 */
	uint64_t number; /* INT as two's complement, UINT, BOOL, CRFD_UNIT_TIME */
	struct crfd_bytes text; /* TEXT */
};

#endif
