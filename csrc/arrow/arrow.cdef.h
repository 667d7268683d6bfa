/* SPDX-License-Identifier: MIT */
/*
 * Tables of an image for other programs, by Arrow's C data and C stream interface
 * (https://arrow.apache.org/docs/format/CDataInterface.html), of which the three structs are: their members are Arrow's.
 * Everything handed out owns its memory, and may be released in any order by any thread.
 */

struct ArrowSchema {
	const char *format;
	const char *name;
	const char *metadata;
	int64_t flags;
	int64_t n_children;
	struct ArrowSchema **children;
	struct ArrowSchema *dictionary;
	void (*release)(struct ArrowSchema *);
	void *private_data;
};

struct ArrowArray {
	int64_t length;
	int64_t null_count;
	int64_t offset;
	int64_t n_buffers;
	int64_t n_children;
	const void **buffers;
	struct ArrowArray **children;
	struct ArrowArray *dictionary;
	void (*release)(struct ArrowArray *);
	void *private_data;
};

struct ArrowArrayStream {
	int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
	int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
	const char *(*get_last_error)(struct ArrowArrayStream *);
	void (*release)(struct ArrowArrayStream *);
	void *private_data;
};

#define CRFD_ARROW_VERSION 1 /* of the schemas: grows when a column's type or meaning changes, or a column goes */
#define CRFD_ARROW_ROWS 65536 /* of a record batch, at most */
#define CRFD_ARROW_FIELDS 192 /* of a table, at most */

typedef struct {
	const char *name;
	const char *text; /* what a row is */
} crfd_arrow_table;

typedef struct {
	char name[40];
	uint8_t is_given; /* without being asked for */
} crfd_arrow_field;

/* Returns the number of tables, which are numbered from 0. */
size_t crfd_arrow_tables_len(void);
/* Returns a table by its number, for the life of the process; NULL beyond the last. */
const crfd_arrow_table *crfd_arrow_tables_get(size_t number);
/* Fills out, room for CRFD_ARROW_FIELDS, with the columns that a table can have; how many, or -ERANGE. */
int crfd_arrow_fields(size_t table, crfd_arrow_field *out);

/* Makes the schema of some columns of a table, by their numbers in it. 0, -ERANGE or -ENOMEM. */
int crfd_arrow_schema(size_t table, const uint16_t *field, size_t nfields, struct ArrowSchema *out);

typedef struct {
	const uint8_t *buf; /* the image */
	size_t n;
	crfd_shared *shared; /* what buf is all of, to be held; NULL: the bytes are copied */
	size_t table;
	const uint16_t *field; /* columns, by their numbers in the table */
	size_t nfields;
	crfd_filter *filter; /* what the rows must fit, to be held; NULL: all */
	/* NULL, or a schema whose columns of the same name and format vu or vz are given as views. */
	const struct ArrowSchema *requested;
} crfd_arrow_options;

/* Makes a stream of record batches. Every byte of the image is checked first, sums excepted. 0, the code of *fault, or -errno. */
int crfd_arrow_stream(const crfd_arrow_options *o, struct ArrowArrayStream *out, crfd_fault *fault);

/* Makes a struct of its own, all zero, for a caller that has no room for one; free releases what is in it. */
struct ArrowSchema *crfd_arrow_schema_new(void);
void crfd_arrow_schema_free(struct ArrowSchema *s);
struct ArrowArrayStream *crfd_arrow_stream_new(void);
void crfd_arrow_stream_free(struct ArrowArrayStream *s);
