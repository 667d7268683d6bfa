/* SPDX-License-Identifier: MIT */
/* Phrases with the columns of a made-up family, and those of the real ones: what they name must be there. */
#include <string.h>

#include "base/buf.h"
#include "check.h"
#include "columns/phrase.h"

#define STRUCT(name_, type_, unit_, member_, ...) \
	CRFD_MEMBER("made." name_, "", KIND, type_, unit_, 0, ENTRY, 0, struct made, member_, CRFD_ALWAYS, 0, __VA_ARGS__)

struct made {
	uint32_t three, none, bits, mode, past;
	uint64_t dev, time;
	char name[8], empty[8];
};

static const char *const names[] = {"zero", "one", "two", "three"};
static const struct crfd_column columns[] = {
	STRUCT("three", INT, NONE, three), STRUCT("none", INT, NONE, none, CRFD_READING(.none = CRFD_NONE_ZERO)),
	STRUCT("zero", INT, NONE, none), STRUCT("bits", INT, BITS, bits), STRUCT("low", INT, BITS, bits, CRFD_READING(.mask = 0xf)),
	STRUCT("named", INT, NONE, three, CRFD_READING(CRFD_NAMES(names))), STRUCT("past", INT, NONE, past, CRFD_READING(CRFD_NAMES(names))),
	STRUCT("word", TEXT, NONE, three, CRFD_READING(CRFD_NAMES(names))), STRUCT("time", UINT, NS, time),
	STRUCT("name", TEXT, NONE, name), STRUCT("empty", TEXT, NONE, empty), STRUCT("dev", UINT, DEVICE, dev),
	STRUCT("unnamed", TEXT, NONE, empty, CRFD_READING(.none = CRFD_NONE_ZERO)),
	STRUCT("ones", INT, NONE, mode, CRFD_READING(.none = CRFD_NONE_ONES)),
};
static const struct made made = {3, 0, 0xff, UINT32_MAX, 9, 0x801, 1250000000, "a\nb", ""};

static const struct {
	const char *name, *phrase, *said;
} rows[] = {
	{"text alone", " as it is", " as it is"},
	{"a number, bits, a device", "{three} {bits} {low} {dev}", "3 0xff 0xf 8:1"},
	{"names of numbers", "{named} {word} {past}", "three three 9"},
	{"a time", "{time}", "1.25s"},
	{"a text, escaped", "{name}", "a\\x0ab"},
	{"what is not known, outside a choice", "a{none}b", "ab"},
	{"what is not known, in one", "a<b{none}c>d", "ad"},
	{"the other choice", "<b{none}|c{three}>", "c3"},
	{"the first of two", "<{three}|{bits}>!", "3!"},
	{"neither", "<{none}|{unnamed}|{ones}>!", "!"},
	{"asked and so", "<{three?}yes|no>", "yes"},
	{"asked and 0", "<{zero?}yes|no>", "no"},
	{"asked and empty", "<{empty?}yes|no>", "no"},
	{"a choice in a choice that is not taken", "<{none}<{three}>>", ""},
	{"a choice in one that is", "<a<{none}|b>c|d>", "abc"},
	{"a choice in the one behind it", "<a|<b>c>", "a"},
	{"a name that is none", "<{nothing}|none>", "none"},
};

static void test_phrases(void)
{
	struct crfd_row row = {.entry = (const uint8_t *)&made};

	FOR_ROWS(one, rows) {
		crfd_buf out = {0};

		CHECK_EQ(crfd_phrase_put(one->phrase, columns, COUNT_OF(columns), &row, &out), 0);
		CHECK_TEXT(out.v, out.nr, one->said);
		crfd_buf_release(&out);
	}
}

static int is_member(const struct crfd_column *c, size_t n, const char *name, size_t len)
{
	for (size_t i = 0; i < n; i++)
		if (!strncmp(crfd_member_name(&c[i]), name, len) && !crfd_member_name(&c[i])[len])
			return 1;
	return 0;
}

static void check_names(const char *phrase, const struct crfd_column *c, size_t n)
{
	for (const char *p = phrase; p && (p = strchr(p, '{')); p++)
		CHECK_EQ(is_member(c, n, p + 1, strcspn(p + 1, "?}")), 1);
}

static void test_names(void)
{
	for (size_t i = 0; i < crfd_families_len; i++) {
		const struct crfd_family *f = crfd_families[i];

		check_row(f->name);
		check_names(f->phrase, f->column, f->ncolumns);
		for (size_t k = 0; k < f->ncolumns; k++)
			if (f->column[k].list)
				check_names(f->column[k].list->phrase, f->column[k].list->member, f->column[k].list->nmembers);
	}
	check_row(NULL);
}

int main(void)
{
	test_phrases();
	test_names();
	return check_status();
}
