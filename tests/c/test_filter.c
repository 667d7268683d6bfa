/* SPDX-License-Identifier: MIT */
/* Conditions on a row made by hand: what each op says, Kleene's tables, programs that must be refused, and no memory. */
#include "filter/filter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "columns/column.h"
#include "filter/node.h"
#include "filter/pattern.h"
#include "oom.h"

#define OPS 8
#define REFUSED 9 /* in place of a truth */

/* An op with its column by name and its text in place. */
struct op {
	int what;
	const char *column;
	uint32_t count;
	uint64_t number;
	const char *text, *other;
	int flags;
};

struct row {
	const char *name;
	int expected; /* 1, 0 or REFUSED */
	struct op op[OPS];
};

static uint16_t column(const char *name)
{
	return name ? (uint16_t)crfd_column_find(name, strlen(name)) : 0;
}

static int compile(const struct op *ops, size_t n, crfd_filter **out, crfd_filter_fault *fault)
{
	crfd_filter_op op[OPS] = {0};
	uint8_t text[4096];
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		op[i] = (crfd_filter_op){.what = (uint16_t)ops[i].what, .column = column(ops[i].column),
					 .other = column(ops[i].other), .count = ops[i].count, .number = ops[i].number,
					 .flags = (uint16_t)ops[i].flags, .text_off = (uint32_t)used};
		if (ops[i].other)
			op[i].flags |= CRFD_FILTER_OTHER;
		if (!ops[i].text)
			continue;
		op[i].flags |= CRFD_FILTER_TEXT;
		op[i].text_len = (uint32_t)strlen(ops[i].text);
		memcpy(text + used, ops[i].text, op[i].text_len);
		used += op[i].text_len;
	}
	return crfd_filter_new(op, n, text, used, out, fault);
}

static size_t length(const struct op *ops)
{
	size_t n = 0;

	while (n < OPS && ops[n].what)
		n++;
	return n;
}

/* A deleted file of 5000 bytes at /var/log/a.log, position -1, whose device and owner are not known. */
static struct crfd_row sample(void)
{
	static const struct crfd_row_task task = {.info = {.pid = 7, .uid = 1000, .known = CRFD_TASK_HAS_STATUS}, .comm = "cat"};
	static const char name[] = "/var/log/a.log";

	return (struct crfd_row){
		.task = &task, .fd = 3, .is_read = 1, .objref = 1, .uses = 2, .data = {.fd_type = CRFD_KIND_FILE, .f_pos = UINT64_MAX},
		.st = {.known = CRFD_HAS_FLAGS | CRFD_HAS_PATH | CRFD_HAS_SIZE | CRFD_HAS_DELETED | CRFD_HAS_INO,
		       .flags = CRFD_STAT_DELETED, .size = 5000, .ino = UINT64_MAX},
		.name = {(const uint8_t *)name, sizeof(name) - 1},
	};
}

static int truth(const struct op *ops, size_t n)
{
	struct crfd_row row = sample();
	struct crfd_scratch s = {0};
	crfd_filter_fault fault;
	crfd_filter *f = NULL;
	int rc = compile(ops, n, &f, &fault);

	if (rc == -EINVAL) {
		CHECK(fault.why[0] && memchr(fault.why, 0, sizeof(fault.why)) && !f);
		return REFUSED;
	}
	CHECK(rc == 0);
	rc = crfd_filter_eval(f, &s, &row);
	crfd_scratch_release(&s);
	crfd_filter_free(f);
	return rc;
}

#define HOLDS(c) {CRFD_FILTER_HOLDS, .column = c}
#define KNOWN(c) {CRFD_FILTER_KNOWN, .column = c}
#define T {CRFD_FILTER_CONST, .number = 1}
#define F {CRFD_FILTER_CONST, .number = 0}
#define U HOLDS("dev") /* not known */
#define NOT {CRFD_FILTER_NOT, .count = 1}
#define AND(n) {CRFD_FILTER_AND, .count = n}
#define OR(n) {CRFD_FILTER_OR, .count = n}
#define NUMBER(what, column, n) {CRFD_FILTER_##what, column, .number = n}
#define BELOW(what, column, n) {CRFD_FILTER_##what, column, .number = n, .flags = CRFD_FILTER_NEGATIVE}
#define TEXT(what, column, t) {CRFD_FILTER_##what, column, .text = t}
#define MEMBER(n) {CRFD_FILTER_VALUE, .number = n}
#define WORD(t) {CRFD_FILTER_VALUE, .text = t}
#define IN(column, n) {CRFD_FILTER_IN, column, .count = n}

static const struct row rows[] = {
	{"true", 1, {T}},
	{"false", 0, {F}},
	{"what is not known", 0, {U}},
	{"not unknown", 0, {U, NOT}},
	{"not not unknown", 0, {U, NOT, NOT}},
	{"true and true", 1, {T, T, AND(2)}},
	{"true and unknown", 0, {T, U, AND(2)}},
	{"not (false and unknown)", 1, {F, U, AND(2), NOT}},
	{"not (unknown and false)", 1, {U, F, AND(2), NOT}},
	{"not (true and unknown)", 0, {T, U, AND(2), NOT}},
	{"unknown or true", 1, {U, T, OR(2)}},
	{"not (unknown or true)", 0, {U, T, OR(2), NOT}},
	{"not (unknown or false)", 0, {U, F, OR(2), NOT}},
	{"not (false or false)", 1, {F, F, OR(2), NOT}},
	{"one of three", 1, {F, F, T, OR(3)}},
	{"and of one", 1, {T, AND(1)}},

	{"size is equal", 1, {NUMBER(EQ, "size", 5000)}},
	{"size is not another", 1, {NUMBER(NE, "size", 5001)}},
	{"size is below", 1, {NUMBER(LT, "size", 5001)}},
	{"size is not below itself", 0, {NUMBER(LT, "size", 5000)}},
	{"size is at most itself", 1, {NUMBER(LE, "size", 5000)}},
	{"size is not above itself", 0, {NUMBER(GT, "size", 5000)}},
	{"size is at least itself", 1, {NUMBER(GE, "size", 5000)}},
	{"a position below 0 is", 1, {BELOW(LT, "f_pos", 0)}},
	{"-1 is -1", 1, {BELOW(EQ, "f_pos", UINT64_MAX)}},
	{"-1 is above -2", 1, {BELOW(GT, "f_pos", UINT64_MAX - 1)}},
	{"-1 is not 2^64 - 1", 0, {NUMBER(EQ, "f_pos", UINT64_MAX)}},
	{"an inode of 64 bits is not -1", 0, {BELOW(EQ, "ino", UINT64_MAX)}},
	{"an inode of 64 bits is above 5", 1, {NUMBER(GT, "ino", 5)}},
	{"device is unknown", 0, {NUMBER(NE, "dev", 5)}},
	{"device is not known", 0, {KNOWN("dev")}},
	{"device is not known, which is known", 1, {KNOWN("dev"), NOT}},
	{"size is known", 1, {KNOWN("size")}},
	{"deleted", 1, {HOLDS("deleted")}},
	{"a text that is not empty holds", 1, {HOLDS("comm")}},
	{"column and column", 1, {{CRFD_FILTER_LT, "f_pos", .other = "size"}}},
	{"column and a column that is not known", 0, {{CRFD_FILTER_NE, "size", .other = "dev"}}},

	{"kind is file", 1, {TEXT(EQ, "kind", "file")}},
	{"kind is not fil", 0, {TEXT(EQ, "kind", "fil")}},
	{"text in order", 1, {TEXT(LT, "comm", "cats")}},
	{"text is above the empty one", 1, {TEXT(GT, "comm", "")}},
	{"member of numbers", 1, {MEMBER(9), MEMBER(3), MEMBER(1), IN("fd", 3)}},
	{"no member of numbers", 0, {MEMBER(9), MEMBER(4), IN("fd", 2)}},
	{"member of texts", 1, {WORD("pipe"), WORD("file"), WORD(""), IN("kind", 3)}},
	{"no member of texts", 0, {WORD("pipe"), WORD("files"), IN("kind", 2)}},
	{"member of what is not known", 0, {MEMBER(0), IN("dev", 1), NOT}},

	{"a part fits an expression", 1, {TEXT(REGEX, "path", "log/.*\\.log$")}},
	{"anchored", 0, {TEXT(REGEX, "path", "^log")}},
	{"alternatives", 1, {TEXT(REGEX, "path", "^/(srv|var)/")}},
	{"bounds", 1, {TEXT(REGEX, "path", "[a-z]{3}/")}},
	{"expression of a text made from it", 1, {TEXT(REGEX, "kind", "^file$")}},
	{"glob fits slashes", 1, {TEXT(GLOB, "path", "/var/*.log")}},
	{"glob fits all or nothing", 0, {TEXT(GLOB, "path", "/var/log")}},
	{"glob of a text made from it", 1, {TEXT(GLOB, "kind", "f?l[e]")}},
	{"under its directory", 1, {TEXT(UNDER, "path", "/var")}},
	{"under its directory with a slash", 1, {TEXT(UNDER, "path", "/var/")}},
	{"under itself", 1, {TEXT(UNDER, "path", "/var/log/a.log")}},
	{"under the root", 1, {TEXT(UNDER, "path", "/")}},
	{"not under a prefix that is no directory", 0, {TEXT(UNDER, "path", "/va")}},

	{"an op that there is not", REFUSED, {{99, .column = "fd"}}},
	{"an op beyond the last", REFUSED, {{0x1008, .column = "fd"}}},
	{"and of nothing", REFUSED, {T, AND(0)}},
	{"and of more than there are", REFUSED, {T, AND(2)}},
	{"and of 2^32 - 1", REFUSED, {T, AND(UINT32_MAX)}},
	{"not of two", REFUSED, {T, T, {CRFD_FILTER_NOT, .count = 2}}},
	{"two conditions at the end", REFUSED, {T, T}},
	{"a value as a condition", REFUSED, {MEMBER(1)}},
	{"and of a value", REFUSED, {MEMBER(1), AND(1)}},
	{"member that is a condition", REFUSED, {T, IN("fd", 1)}},
	{"member of another type", REFUSED, {WORD("3"), IN("fd", 1)}},
	{"number among texts", REFUSED, {MEMBER(3), IN("kind", 1)}},
	{"member that is a column", REFUSED, {{CRFD_FILTER_VALUE, .other = "fd"}, IN("fd", 1)}},
	{"a list", REFUSED, {NUMBER(EQ, "epoll.targets", 1)}},
	{"expression of a number", REFUSED, {TEXT(REGEX, "size", "5")}},
	{"two columns of text", REFUSED, {{CRFD_FILTER_EQ, "comm", .other = "kind"}}},
	{"number and text", REFUSED, {{CRFD_FILTER_EQ, "fd", .other = "kind"}}},
	{"an open parenthesis", REFUSED, {TEXT(REGEX, "path", "(a")}},
	{"a back-reference", REFUSED, {TEXT(REGEX, "path", "(a)\\1")}},
	{"bounds of bounds of bounds", REFUSED, {TEXT(REGEX, "path", "((a{99}){99}){99}")}},
	{"open bounds of each other", REFUSED, {TEXT(REGEX, "path", "a{10,}{10,}{10,}{10,}{10,}")}},
	{"a bound that has no end", REFUSED, {TEXT(REGEX, "path", "a{99999999999999999999}")}},
};

static void test_rows(void)
{
	FOR_ROWS(row, rows) {
		CHECK_EQ(truth(row->op, length(row->op)), row->expected);
	}
	CHECK_EQ(truth(rows[0].op, 0), REFUSED);
}

/* Ops that the assembler above cannot make. */
static void test_hostile(void)
{
	static const struct {
		const char *name;
		crfd_filter_op op;
	} hostile[] = {
		{"a column beyond the last", {.what = CRFD_FILTER_HOLDS, .column = 0xffff}},
		{"another column beyond the last", {.what = CRFD_FILTER_EQ, .other = 0xffff, .flags = CRFD_FILTER_OTHER}},
		{"text behind the text", {.what = CRFD_FILTER_EQ, .column = 1, .text_off = 4, .text_len = 1}},
		{"text that ends behind it", {.what = CRFD_FILTER_EQ, .column = 1, .text_off = 1, .text_len = 4}},
		{"text whose end overflows", {.what = CRFD_FILTER_EQ, .column = 1, .text_off = 2, .text_len = UINT32_MAX}},
		{"an expression with a NUL", {.what = CRFD_FILTER_REGEX, .column = 1, .text_off = 0, .text_len = 3}},
		{"a glob with a NUL", {.what = CRFD_FILTER_GLOB, .column = 1, .text_off = 0, .text_len = 3}},
	};
	crfd_filter_fault fault;
	crfd_filter *f;

	CHECK(crfd_column_find("comm", 4) == 1);
	FOR_ROWS(row, hostile) {
		CHECK_EQ(crfd_filter_new(&row->op, 1, (const uint8_t *)"a\0b", 3, &f, &fault), -EINVAL);
	}
}

static int verdict(const crfd_filter_op *op, size_t n, const uint8_t *text, size_t ntext, crfd_filter_fault *fault)
{
	crfd_filter *f = NULL;
	int rc = crfd_filter_new(op, n, text, ntext, &f, fault);

	crfd_filter_free(f);
	return rc;
}

static void test_bounds(void)
{
	static crfd_filter_op op[CRFD_FILTER_OPS_MAX + 1];
	static const crfd_filter_op inner = {.what = CRFD_FILTER_NOT, .count = 1}, leaf = {.what = CRFD_FILTER_CONST};
	static uint8_t text[4096];
	crfd_filter_fault fault;

	memset(text, 'a', sizeof(text));
	op[0] = leaf;
	for (size_t i = 1; i <= CRFD_FILTER_OPS_MAX; i++)
		op[i] = inner;
	CHECK_EQ(verdict(op, CRFD_FILTER_DEPTH_MAX + 1, NULL, 0, &fault), 0);
	CHECK_EQ(verdict(op, CRFD_FILTER_DEPTH_MAX + 2, NULL, 0, &fault), -EINVAL);
	CHECK_EQ(fault.op, CRFD_FILTER_DEPTH_MAX + 1);
	CHECK_EQ(verdict(op, CRFD_FILTER_OPS_MAX + 1, NULL, 0, &fault), -EINVAL);
	for (size_t i = 0; i < CRFD_FILTER_OPS_MAX; i++)
		op[i] = leaf;
	op[CRFD_FILTER_OPS_MAX - 1] = (crfd_filter_op){.what = CRFD_FILTER_OR, .count = CRFD_FILTER_OPS_MAX - 1};
	CHECK_EQ(verdict(op, CRFD_FILTER_OPS_MAX, NULL, 0, &fault), 0);
	/* The same bytes again and again are more than the text given. */
	for (size_t i = 0; i < CRFD_FILTER_OPS_MAX; i++)
		op[i] = (crfd_filter_op){.what = CRFD_FILTER_VALUE, .flags = CRFD_FILTER_TEXT, .text_len = sizeof(text)};
	CHECK_EQ(verdict(op, 1000, text, sizeof(text), &fault), -EINVAL);
	op[0] = (crfd_filter_op){.what = CRFD_FILTER_REGEX, .column = 1, .text_len = CRFD_FILTER_PATTERN_MAX + 1};
	CHECK_EQ(verdict(op, 1, text, sizeof(text), &fault), -EINVAL);
	op[0].text_len = CRFD_FILTER_PATTERN_MAX;
	CHECK_EQ(verdict(op, 1, text, sizeof(text), &fault), 0);
}

/* Names are bytes: neither UTF-8 nor, in an abstract socket's, without a NUL. */
static void test_bytes(void)
{
	static const struct {
		const char *name, *expression, *glob, *text;
		size_t n;
		int fits, glob_fits;
	} bytes[] = {
		{"a byte that is no character", "^a.b$", "a?b", "a\xff\x62", 3, 1, 1},
		{"a character of two bytes", "^a..b$", "a*b", "a\xc3\xa4\x62", 4, 1, 1},
		{"a NUL inside", "b$", "a*b", "a\0b", 3, 1, 0},
		{"nothing", "^$", "", NULL, 0, 1, 1},
		{"no more than the text", "b", "ab", "ab", 1, 0, 0},
		{"all of the text", "^a$", "a", "ab", 1, 1, 1},
	};
	struct crfd_scratch s = {0};
	char why[64];

	FOR_ROWS(row, bytes) {
		void *copy = check_copy(row->text, row->n);
		struct crfd_bytes text = {copy, row->n};
		regex_t *r = NULL;

		CHECK(crfd_regex_new(row->expression, strlen(row->expression), &r, why, sizeof(why)) == 0);
		CHECK_EQ(crfd_regex_fits(r, &s, text), row->fits);
		CHECK_EQ(crfd_glob_fits(row->glob, &s, text), row->glob_fits);
		crfd_regex_free(r);
		free(copy);
	}
	crfd_scratch_release(&s);
}

static void test_no_memory(void)
{
	static const struct op ops[] = {TEXT(REGEX, "path", "^/(srv|var)/.*[0-9]*"), WORD("file"), IN("kind", 1),
					TEXT(GLOB, "kind", "f*"), AND(3)};
	long refused = 1;

	for (long n = 1; refused; n++) {
		struct crfd_row row = sample();
		struct crfd_scratch s = {0};
		crfd_filter_fault fault;
		crfd_filter *f = NULL;
		int rc;

		oom_arm(n, 1);
		rc = compile(ops, CRFD_LEN(ops), &f, &fault);
		if (rc == 0)
			rc = crfd_filter_eval(f, &s, &row);
		refused = oom_disarm();
		CHECK_EQ(rc, refused ? -ENOMEM : 1);
		crfd_scratch_release(&s);
		crfd_filter_free(f);
	}
}

int main(void)
{
	test_rows();
	test_hostile();
	test_bounds();
	test_bytes();
	test_no_memory();
	return check_status();
}
