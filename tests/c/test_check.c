/* SPDX-License-Identifier: MIT */
/* The checks themselves: one that fails says row, expected and found, the rows behind it are looked at, the status is 1. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void all_right(void)
{
	CHECK(1);
	CHECK_EQ(-1, -1);
	CHECK_RANGE(1, 1, 1);
	CHECK_STR("a", "a");
	CHECK_STR(NULL, NULL);
	CHECK_BYTES("a", 1, "a", 1);
	CHECK_TEXT("ab", 1, "a");
}

static void signs(void)
{
	CHECK_EQ(-1, ~0u);
	CHECK_EQ(~0ull, -1);
}

static void ranges(void)
{
	CHECK_RANGE(4, 1, 3);
	CHECK_RANGE(-1, 0, 0);
}

static void rows(void)
{
	static const struct {
		const char *name;
		int found;
	} table[] = {{"first", 1}, {"second", 2}, {"third", 3}};

	FOR_ROWS(row, table)
		CHECK_EQ(row->found, 2);
	CHECK_EQ(0, 1);
}

static void strings(void)
{
	CHECK_STR("a\n\x01", NULL);
}

static void bytes(void)
{
	CHECK_BYTES("\1\2\3\4\5", 5, "\1\2\3", 3);
	CHECK_TEXT("abc", 3, "abd");
}

static void stop(void)
{
	check_row("row");
	CHECK(0 > 1);
	CHECK_EQ(0, 1);
}

static const struct {
	const char *name;
	void (*run)(void);
	int status;
	const char *said; /* without file and line */
} cases[] = {
	{"all right", all_right, 0, ""},
	{"signs", signs, 1,
	 "-1: expected 4294967295 (0xffffffff), found -1\n"
	 "~0ull: expected -1, found 18446744073709551615 (0xffffffffffffffff)\n2 checks failed\n"},
	{"ranges", ranges, 1,
	 "4: expected 1 to 3, found 4\n-1: expected 0 to 0, found -1\n2 checks failed\n"},
	{"rows", rows, 1,
	 "first: row->found: expected 2, found 1\nthird: row->found: expected 2, found 3\n"
	 "0: expected 1, found 0\n3 checks failed\n"},
	{"strings", strings, 1, "\"a\\n\\x01\": expected NULL, found \"a\\n\\001\"\n1 checks failed\n"},
	{"bytes", bytes, 1,
	 "\"\\1\\2\\3\\4\\5\": expected 3 bytes 010203, found 5 bytes 01020304 05, other from byte 3 on\n"
	 "\"abc\": expected 3 bytes \"abd\", found 3 bytes \"abc\", other from byte 2 on\n2 checks failed\n"},
	{"stop", stop, 1, "row: expected 0 > 1\n"},
};

/* Runs it in a child; returns its status, and what it wrote without "file:line: " before each. */
static int run(void (*check)(void), char *said, size_t room)
{
	FILE *out = tmpfile();
	char line[512], *text;
	int status;
	pid_t pid;

	CHECK(out);
	pid = fork();
	if (!pid) {
		dup2(fileno(out), STDERR_FILENO);
		check();
		_exit(check_status());
	}
	CHECK(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	rewind(out);
	while (fgets(line, sizeof(line), out)) {
		text = strncmp(line, __FILE__, strlen(__FILE__)) ? line : strstr(line, ": ") + 2;
		CHECK(strlen(said) + strlen(text) < room);
		strcat(said, text);
	}
	fclose(out);
	return WEXITSTATUS(status);
}

int main(void)
{
	int failed = 0;

	for (size_t i = 0; i < COUNT_OF(cases); i++) { /* not by the checks that are looked at */
		char said[2048] = "";
		int status = run(cases[i].run, said, sizeof(said));

		if (status == cases[i].status && !strcmp(said, cases[i].said))
			continue;
		fprintf(stderr, "%s: expected %d %s, found %d %s\n", cases[i].name, cases[i].status, cases[i].said, status, said);
		failed = 1;
	}
	return failed;
}
