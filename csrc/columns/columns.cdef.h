/* SPDX-License-Identifier: MIT */
/*
 * A column is something that can be told of a descriptor, by name. The one table is columns/common.c and the families beside
 * it.
 */

enum crfd_column_type {
	CRFD_COLUMN_TEXT = 1, /* bytes, which need not be UTF-8 where they are a name of somebody's choice */
	CRFD_COLUMN_INT = 2, /* 64 bits with a sign */
	CRFD_COLUMN_UINT = 3, /* 64 bits without one */
	CRFD_COLUMN_BOOL = 4,
	CRFD_COLUMN_LIST = 5 /* of structs */
};

/* The unit says what a number counts or names, and so how it is shown and aligned. */
enum crfd_column_unit {
	CRFD_UNIT_NONE = 0,
	CRFD_UNIT_BYTES = 1,
	CRFD_UNIT_NS = 2,
	CRFD_UNIT_TICKS = 3, /* of 1 / clk_tck s, after boot */
	CRFD_UNIT_DEVICE = 4, /* as st_dev of stat(2) */
	CRFD_UNIT_ID = 5, /* a number that names something: never summed */
	CRFD_UNIT_BITS = 6,
	CRFD_UNIT_OCTAL = 7, /* bits that are written in base 8 */
	CRFD_UNIT_TIMES = 8, /* how often: x2 */
	CRFD_UNIT_TIME = 9 /* a text, whose number is seconds since 1970 */
};

/* A column is about one of these. */
enum crfd_column_about { CRFD_ABOUT_TASK = 1, CRFD_ABOUT_FD = 2, CRFD_ABOUT_FILE = 3, CRFD_ABOUT_KIND = 4 };

/* One column as Python sees it. */
typedef struct {
	const char *name; /* "pid"; of a family "socket.state" */
	const char *text; /* a sentence */
	uint8_t type; /* enum crfd_column_type */
	uint8_t unit; /* enum crfd_column_unit */
	uint8_t about; /* enum crfd_column_about */
	uint8_t flags; /* CRFD_COLUMN_* */
} crfd_column_info;

#define CRFD_COLUMN_SPARSE 1 /* a JSON object leaves it out where it has none */
#define CRFD_COLUMN_PLAIN 2 /* among those of a JSON object when none were named */
#define CRFD_COLUMN_BPF 4 /* known with the BPF backend alone */
#define CRFD_COLUMN_SHOWN 8 /* a text that is escaped already */
#define CRFD_COLUMN_RIGHT 16 /* a text that begins with a number */
#define CRFD_COLUMN_FEW 32 /* a text that many rows have in common */

/* Returns the number of columns, which are numbered from 0. */
size_t crfd_columns_len(void);
/* Returns a column by its number, for the life of the process; NULL beyond the last. */
const crfd_column_info *crfd_columns_get(size_t number);

/* ---- a survey: what an image is as a whole, from its bytes in pieces ---- */

#define CRFD_KINDS 64

typedef struct {
	uint64_t nfds, unread; /* descriptors; of those, that could not be read */
	uint64_t nfiles, shared; /* open file descriptions; of those, that several descriptors are */
	uint64_t deleted; /* of those, without the name they were opened by */
	uint64_t kind[CRFD_KINDS]; /* of those, by enum crfd_kind */
	uint64_t ntasks;
} crfd_image_totals;

typedef struct {
	uint64_t offset; /* of TASK */
	uint64_t files; /* of FILES */
	uint32_t carrier; /* number of the task that has the entries of its table */
	uint32_t pid, tgid; /* tgid 0: not known */
	uint32_t nfds;
	uint32_t table; /* FILES.objref */
	uint32_t changed, is_quiet_known; /* of TASK_QUIET */
} crfd_surveyed_task;

typedef struct crfd_survey crfd_survey;

/* NULL when out of memory. */
crfd_survey *crfd_survey_new(void);
/* Checks the next n bytes, the last ones where `last`, as crfd_parser_feed() does. 0, the code of *fault, or -ENOMEM. */
int crfd_survey_feed(crfd_survey *s, const uint8_t *buf, size_t n, int last, size_t *used, crfd_fault *fault);
/* Returns the totals of what has been fed, for the life of the survey. */
const crfd_image_totals *crfd_survey_totals(const crfd_survey *s);
/* Returns the number-th task, until more is fed; NULL beyond the last. */
const crfd_surveyed_task *crfd_survey_task(const crfd_survey *s, size_t number);
void crfd_survey_free(crfd_survey *s);

/* ---- readers: the rows of a batch or of an image, one after the other ---- */

typedef struct crfd_reader crfd_reader;

/*
 * Reads the rows of b, whose objrefs are objref[i], NULL: 1 for each that could be read; both must outlive the reader. How
 * often each is used is not known. NULL when out of memory.
 */
crfd_reader *crfd_reader_new_batch(const crfd_batch *b, const uint32_t *objref);
/* Reads the rows of the image in buf, which must outlive the reader. NULL when out of memory. */
crfd_reader *crfd_reader_new_image(const uint8_t *buf, size_t n);
/*
 * Checks about `want` bytes more of the image, sums excepted; before the first row comes all must have been: 1 while some are
 * left, 0, the code of *fault, or -ENOMEM.
 */
int crfd_reader_check(crfd_reader *r, size_t want, crfd_fault *fault);

/* Goes on with the rows of the number-th task alone: 0, 1 where a task before has the same table, -ERANGE: there is none. */
int crfd_reader_task(crfd_reader *r, size_t number);
/* Returns the number of tasks. */
size_t crfd_reader_ntasks(const crfd_reader *r);
void crfd_reader_free(crfd_reader *r);
