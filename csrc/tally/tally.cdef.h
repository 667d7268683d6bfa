/* SPDX-License-Identifier: MIT */
/* A tally counts descriptors by the values of some columns, in the memory of the groups alone. */

typedef struct crfd_tally crfd_tally;

typedef struct {
	uint64_t key; /* offset in the text: each column's value, with a NUL behind it */
	uint32_t key_len;
	uint32_t number; /* in the order in which groups came */
	uint64_t fds, unread; /* descriptors; of those, that could not be read */
	uint64_t shared; /* of those, whose description has others too: 0 where a reader does not count uses */
	uint64_t deleted_bytes; /* of files without a name, each inode once */
} crfd_tally_group;

/*
 * Begins a tally by the columns of those numbers. It counts the rows that match filter, all for NULL; filter must outlive the
 * tally. kinds: those of each group are counted too, in 256 bytes more a group. 0, -EINVAL, -ENOMEM.
 */
int crfd_tally_new(const uint16_t *column, size_t ncolumns, const crfd_filter *filter, int kinds, crfd_tally **out);
/* Counts at most `want` rows more: 1 while some may be left, 0, or -ENOMEM. What is held without a descriptor is no row. */
int crfd_tally_rows(crfd_tally *t, crfd_reader *r, size_t want);
/* Ends the count, and returns the groups, those with the most descriptors first, and the text of their keys. */
const crfd_tally_group *crfd_tally_groups(crfd_tally *t, size_t *n, const uint8_t **text);
/* Returns a group's descriptors by enum crfd_kind, CRFD_KINDS of them; NULL where they were not counted. */
const uint32_t *crfd_tally_kinds(const crfd_tally *t, uint32_t number);
void crfd_tally_free(crfd_tally *t);
