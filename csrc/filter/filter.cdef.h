/* SPDX-License-Identifier: MIT */
/*
 * A program is a condition on rows in postfix order: operands stand before what joins them. A test of a value that is not known
 * is neither true nor false, and so is what depends on it (Kleene's logic): it never matches, under NOT neither.
 */

enum crfd_filter_what {
	CRFD_FILTER_AND = 1, /* of the `count` results before it */
	CRFD_FILTER_OR = 2,
	CRFD_FILTER_NOT = 3,
	CRFD_FILTER_CONST = 4, /* true where number is not 0 */
	CRFD_FILTER_VALUE = 5, /* for IN alone: number or text */
	CRFD_FILTER_HOLDS = 6, /* the column is true, not 0, not empty */
	CRFD_FILTER_KNOWN = 7, /* the column is known: never itself unknown */
	CRFD_FILTER_EQ = 8, /* the column is equal to number, text or another column */
	CRFD_FILTER_NE = 9,
	CRFD_FILTER_LT = 10,
	CRFD_FILTER_LE = 11,
	CRFD_FILTER_GT = 12,
	CRFD_FILTER_GE = 13,
	CRFD_FILTER_IN = 14, /* the column is equal to one of the `count` VALUEs before it */
	CRFD_FILTER_REGEX = 15, /* text, a POSIX extended regular expression, fits a part of the column's bytes */
	CRFD_FILTER_GLOB = 16, /* text, a pattern of fnmatch(3) whose * fits a slash too, fits all of the column */
	CRFD_FILTER_UNDER = 17 /* the column is the path in text, or below it */
};

#define CRFD_FILTER_NEGATIVE 1 /* number is below 0, as two's complement */
#define CRFD_FILTER_OTHER 2 /* the right side is column number `other`, neither number nor text */
#define CRFD_FILTER_TEXT 4 /* of a VALUE: it is text */

#define CRFD_FILTER_OPS_MAX 65536
#define CRFD_FILTER_TEXT_MAX 1048576 /* bytes, in all ops together */
#define CRFD_FILTER_DEPTH_MAX 100
#define CRFD_FILTER_PATTERN_MAX 1000 /* bytes of a regular expression or glob */

typedef struct {
	uint16_t what; /* enum crfd_filter_what */
	uint16_t column;
	uint16_t other;
	uint16_t flags; /* CRFD_FILTER_* */
	uint32_t count;
	uint32_t text_off, text_len;
	uint32_t pad;
	uint64_t number;
} crfd_filter_op;

/* A fault says why a program is refused, and for which of its ops. */
typedef struct {
	uint64_t op;
	char why[104];
} crfd_filter_fault;

/* Many threads may evaluate one filter at a time. */
typedef struct crfd_filter crfd_filter;

/* Checks and compiles a program, of which nothing is kept. 0, -EINVAL with *fault, -ENOMEM. */
int crfd_filter_new(const crfd_filter_op *ops, size_t n, const uint8_t *text, size_t ntext, crfd_filter **out,
		    crfd_filter_fault *fault);
/* For one more who lets go of it, by any thread; f itself. */
crfd_filter *crfd_filter_take(crfd_filter *f);
void crfd_filter_free(crfd_filter *f);
