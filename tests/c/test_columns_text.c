/* SPDX-License-Identifier: MIT */
/* Bytes as a terminal and as JSON get them. */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "check.h"
#include "columns/text.h"

static const struct {
	const char *name, *text, *escaped, *json;
} rows[] = {
	{"nothing", "", "", "\"\""},
	{"plain", "/srv/a b", "/srv/a b", "\"/srv/a b\""},
	{"a backslash", "a\\x41", "a\\x5cx41", "\"a\\\\x41\""},
	{"a quote", "\"", "\"", "\"\\\"\""},
	{"control characters", "\x1b[31m\n\t\x7f", "\\x1b[31m\\x0a\\x09\\x7f", "\"\\u001b[31m\\n\\t\\u007f\""},
	{"two, three and four bytes", "é文🗎", "é文🗎", "\"\\u00e9\\u6587\\ud83d\\uddce\""},
	{"a C1 control", "\xc2\x9b" "1m", "\\xc2\\x9b1m", "\"\\u009b1m\""},
	{"a right-to-left override", "a\xe2\x80\xae" "b", "a\\xe2\\x80\\xaeb", "\"a\\u202eb\""},
	{"a line separator", "\xe2\x80\xa8", "\\xe2\\x80\\xa8", "\"\\u2028\""},
	{"a lone byte", "caf\xe9!", "caf\\xe9!", "\"caf\\udce9!\""},
	{"a character cut short", "\xe6\x96", "\\xe6\\x96", "\"\\udce6\\udc96\""},
	{"an overlong slash", "\xc0\xaf", "\\xc0\\xaf", "\"\\udcc0\\udcaf\""},
	{"a surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80", "\"\\udced\\udca0\\udc80\""},
	{"beyond Unicode", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", "\"\\udcf4\\udc90\\udc80\\udc80\""},
};

static void test_text(void)
{
	FOR_ROWS(row, rows) {
		crfd_buf out = {0};
		size_t n = strlen(row->text);
		uint8_t *copy = check_copy(row->text, n);

		CHECK_EQ(crfd_text_escape(&out, copy, n), 0);
		CHECK_TEXT(out.v, out.nr, row->escaped);
		out.nr = 0;
		CHECK_EQ(crfd_text_json(&out, copy, n), 0);
		CHECK_TEXT(out.v, out.nr, row->json);
		crfd_buf_release(&out);
		free(copy);
	}
}

static void test_numbers(void)
{
	static const struct {
		const char *name;
		int64_t number;
		const char *text;
	} numbers[] = {
		{"zero", 0, "0"},
		{"most", INT64_MAX, "9223372036854775807"},
		{"least", INT64_MIN, "-9223372036854775808"},
	};

	FOR_ROWS(row, numbers) {
		crfd_buf out = {0};

		CHECK_EQ(crfd_text_signed(&out, row->number), 0);
		CHECK_TEXT(out.v, out.nr, row->text);
		crfd_buf_release(&out);
	}
}

int main(void)
{
	test_text();
	test_numbers();
	return check_status();
}
