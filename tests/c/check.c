/* SPDX-License-Identifier: MIT */
#include "check.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *row;
static int failures;

void check_row(const char *name)
{
	row = name;
}

int check_status(void)
{
	if (failures)
		fprintf(stderr, "%d checks failed\n", failures);
	return failures != 0;
}

static void say_where(struct check_at at)
{
	fprintf(stderr, "%s:%d: ", at.file, at.line);
	if (row)
		fprintf(stderr, "%s: ", row);
}

static void fail(struct check_at at)
{
	failures++;
	say_where(at);
	fprintf(stderr, "%s: expected ", at.what);
}

static void print_int(__int128 v)
{
	if (v < 10)
		fprintf(stderr, "%lld", (long long)v);
	else
		fprintf(stderr, "%llu (%#llx)", (unsigned long long)v, (unsigned long long)v);
}

/* The bytes as a C string of the same value. */
static void print_text(const char *p, size_t n)
{
	fputc('"', stderr);
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];

		if (c == '\n' || c == '\t')
			fputs(c == '\n' ? "\\n" : "\\t", stderr);
		else if (c < ' ' || c > '~' || c == '"' || c == '\\')
			fprintf(stderr, "\\%03o", c);
		else
			fputc(c, stderr);
	}
	fputc('"', stderr);
}

static void print_str(const char *s)
{
	if (s)
		print_text(s, strlen(s));
	else
		fputs("NULL", stderr);
}

/* Prints bytes as text where they are one, else in hexadecimal, in fours. */
static void print_bytes(const uint8_t *p, size_t n, int text)
{
	fprintf(stderr, "%zu bytes ", n);
	if (text) {
		print_text((const char *)p, n);
		return;
	}
	for (size_t i = 0; i < n; i++)
		fprintf(stderr, "%s%02x", i && i % 4 == 0 ? " " : "", p[i]);
}

static int is_text(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((p[i] < ' ' && p[i] != '\n' && p[i] != '\t') || p[i] > '~')
			return 0;
	return 1;
}

void check_int(struct check_at at, __int128 found, __int128 expected)
{
	if (found == expected)
		return;
	fail(at);
	print_int(expected);
	fputs(", found ", stderr);
	print_int(found);
	fputc('\n', stderr);
}

void check_range(struct check_at at, __int128 found, __int128 least, __int128 most)
{
	if (least <= found && found <= most)
		return;
	fail(at);
	print_int(least);
	fputs(" to ", stderr);
	print_int(most);
	fputs(", found ", stderr);
	print_int(found);
	fputc('\n', stderr);
}

void check_str(struct check_at at, const char *found, const char *expected)
{
	if (found == expected || (found && expected && !strcmp(found, expected)))
		return;
	fail(at);
	print_str(expected);
	fputs(", found ", stderr);
	print_str(found);
	fputc('\n', stderr);
}

void check_bytes(struct check_at at, const void *found, size_t n, const void *expected, size_t expected_n)
{
	const uint8_t *a = found, *b = expected;
	size_t same = 0, least = n < expected_n ? n : expected_n;
	int text;

	while (same < least && a[same] == b[same])
		same++;
	if (same == n && same == expected_n)
		return;
	text = is_text(a, n) && is_text(b, expected_n);
	fail(at);
	print_bytes(b, expected_n, text);
	fputs(", found ", stderr);
	print_bytes(a, n, text);
	fprintf(stderr, ", other from byte %zu on\n", same);
}

void check_stop(struct check_at at)
{
	say_where(at);
	fprintf(stderr, "expected %s\n", at.what);
	exit(1);
}

void *check_copy(const void *p, size_t n)
{
	void *copy = malloc(n ? n : 1);

	CHECK(copy);
	if (n)
		memcpy(copy, p, n);
	return copy;
}
