/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* REG_STARTEND */
#include "filter/pattern.h"

#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define REPEATS_MAX 10000 /* how often bounds like {2,10} may repeat one another in all */

/* Returns the larger number of a bound, "{m}", "{m,}" or "{m,n}" behind its brace; 1 where there is none. */
static unsigned long bound(const char *p)
{
	unsigned long most = 1, v = 0;

	for (; *p == ',' || (*p >= '0' && *p <= '9'); p++) {
		v = *p == ',' ? 0 : v * 10 + (unsigned long)(*p - '0');
		if (v > REPEATS_MAX)
			return v;
		most = v > most ? v : most;
	}
	return *p == '}' ? most : 1;
}

/*
 * Refuses what costs glibc's regcomp and regexec time or memory without bounds: a bound of a bound of a bound is written out as
 * so many copies, and a back-reference, which POSIX has not in extended expressions, makes a match exponential.
 */
static const char *excess(const char *p)
{
	unsigned long repeats = 1;

	for (; *p; p++) {
		if (*p == '\\' && p[1] >= '1' && p[1] <= '9')
			return "a back-reference is no part of a POSIX extended regular expression";
		if (*p == '\\' && p[1])
			p++;
		else if (*p == '{')
			repeats *= bound(p + 1);
		if (repeats > REPEATS_MAX)
			return "bounds in braces repeat one another too often";
	}
	return NULL;
}

/* In the C locale every byte is a character, as it is in a name; glibc looks at the locale when it compiles. */
static int compile(regex_t *r, const char *text)
{
	locale_t plain = newlocale(LC_ALL_MASK, "C", NULL), before;
	int rc;

	if (!plain)
		return REG_ESPACE;
	before = uselocale(plain);
	rc = regcomp(r, text, REG_EXTENDED | REG_NOSUB);
	uselocale(before);
	freelocale(plain);
	return rc;
}

int crfd_regex_new(const char *text, size_t n, regex_t **out, char *why, size_t size)
{
	const char *reason = strlen(text) != n ? "a pattern has no NUL" : excess(text);
	regex_t *r;
	int rc;

	if (reason) {
		snprintf(why, size, "%s", reason);
		return -EINVAL;
	}
	r = malloc(sizeof(*r));
	if (!r)
		return -ENOMEM;
	rc = compile(r, text);
	if (rc) {
		if (rc != REG_ESPACE)
			regerror(rc, r, why, size);
		free(r);
		return rc == REG_ESPACE ? -ENOMEM : -EINVAL;
	}
	*out = r;
	return 0;
}

void crfd_regex_free(regex_t *r)
{
	if (r)
		regfree(r);
	free(r);
}

/* Puts the text, which may be there already, or a part of what is there, into s with a NUL behind it. */
static int end_with_nul(struct crfd_scratch *s, struct crfd_bytes text)
{
	int is_there = s->text.v && text.p >= s->text.v && text.p <= s->text.v + s->text.nr, rc = 0;

	if (is_there && text.n) {
		memmove(s->text.v, text.p, text.n);
	} else if (text.n) {
		crfd_buf_clear(&s->text);
		rc = crfd_buf_put(&s->text, text.p, text.n);
	}
	s->text.nr = text.n;
	return rc < 0 ? rc : crfd_buf_put(&s->text, "", 1);
}

int crfd_regex_fits(const regex_t *r, struct crfd_scratch *s, struct crfd_bytes text)
{
	regmatch_t all = {.rm_so = 0, .rm_eo = (regoff_t)text.n}; /* NULs are as good as other bytes */
	int rc;

	if (text.n > INT_MAX)
		return 0;
	rc = end_with_nul(s, text);
	if (rc < 0)
		return rc;
	rc = regexec(r, (const char *)s->text.v, 1, &all, REG_STARTEND);
	return !rc ? 1 : rc == REG_NOMATCH ? 0 : -ENOMEM;
}

int crfd_glob_fits(const char *pattern, struct crfd_scratch *s, struct crfd_bytes text)
{
	int rc;

	if (text.n && memchr(text.p, 0, text.n))
		return 0;
	rc = end_with_nul(s, text);
	if (rc < 0)
		return rc;
	rc = fnmatch(pattern, (const char *)s->text.v, 0);
	return !rc ? 1 : rc == FNM_NOMATCH ? 0 : -ENOMEM;
}

int crfd_path_is_under(struct crfd_bytes dir, struct crfd_bytes path)
{
	while (dir.n && dir.p[dir.n - 1] == '/')
		dir.n--;
	return path.n >= dir.n && (!dir.n || !memcmp(dir.p, path.p, dir.n)) &&
	       (path.n == dir.n ? dir.n > 0 : path.p[dir.n] == '/');
}
