/* SPDX-License-Identifier: MIT */
#include "columns/phrase.h"

#include <string.h>

#define SHOWN 3 /* entries of a list that are named; of more, their number alone */
#define SECOND 1000000000u /* ns */

struct saying {
	const char *p; /* what is still to be put */
	const struct crfd_column *member;
	size_t n;
	const struct crfd_row *row;
	crfd_buf *out;
	struct crfd_scratch scratch;
};

/* Puts nanoseconds as seconds, without zeros at the end. */
static int put_seconds(uint64_t ns, crfd_buf *out)
{
	unsigned int rest = (unsigned int)(ns % SECOND);
	int digits = 9;

	crfd_text_number(out, ns / SECOND);
	for (; rest && rest % 10 == 0; rest /= 10)
		digits--;
	if (rest)
		crfd_text_printf(out, ".%0*u", digits, rest);
	return crfd_text_put(out, "s");
}

int crfd_number_say(const struct crfd_column *c, uint64_t number, crfd_buf *out)
{
	if (c->info.type == CRFD_COLUMN_BOOL)
		return crfd_text_put(out, number ? "yes" : "no");
	switch (c->info.unit) {
	case CRFD_UNIT_DEVICE:
		return crfd_text_device(out, number);
	case CRFD_UNIT_TIMES:
		return number > 1 ? crfd_text_printf(out, "x%llu", (unsigned long long)number) : crfd_text_put(out, "-");
	case CRFD_UNIT_OCTAL:
		return crfd_text_printf(out, "0%llo", (unsigned long long)number);
	case CRFD_UNIT_BITS:
		return crfd_text_printf(out, "%#llx", (unsigned long long)number);
	default:
		return c->info.type == CRFD_COLUMN_INT ? crfd_text_signed(out, (int64_t)number) : crfd_text_number(out, number);
	}
}

struct listing {
	const struct crfd_list *list;
	int (*say)(const struct crfd_row *entry, size_t before, crfd_buf *out);
	crfd_buf *out;
	size_t nr;
};

static int say_one(void *arg, const struct crfd_row *entry)
{
	struct listing *l = arg;
	int rc = l->say(entry, l->nr++, l->out);

	return rc < 0 ? rc : l->nr == CRFD_LIST_FEW;
}

int crfd_list_say(const struct crfd_list *list, const struct crfd_row *r, const char *noun,
		  int (*say)(const struct crfd_row *entry, size_t before, crfd_buf *out), crfd_buf *out)
{
	struct listing l = {.say = say, .out = out};
	int rc = crfd_list_each(list, r, say_one, &l);
	size_t all = rc > 0 ? crfd_list_count(list, r) : l.nr;

	return rc < 0 || all == l.nr ? rc : crfd_text_printf(out, " and %zu %s more", all - l.nr, noun);
}

static int say_entry(void *arg, const struct crfd_row *entry)
{
	struct listing *l = arg;

	crfd_text_put(l->out, l->nr++ ? ", " : "");
	return crfd_phrase_put(l->list->phrase, l->list->member, l->list->nmembers, entry, l->out);
}

/* Puts the entries, or how many there are. */
static int put_list(const struct crfd_column *c, const struct crfd_row *r, crfd_buf *out)
{
	struct listing l = {.list = c->list, .out = out};
	size_t n = crfd_list_count(c->list, r);

	if (!n || n > SHOWN)
		return crfd_text_printf(out, "%zu %s", n, crfd_member_name(c));
	return crfd_list_each(c->list, r, say_entry, &l);
}

static int put_value(const struct crfd_column *c, const struct crfd_value *v, crfd_buf *out)
{
	if (c->info.type == CRFD_COLUMN_TEXT)
		return crfd_text_escape(out, v->text.p, v->text.n);
	if (c->reading && c->reading->names)
		return crfd_text_name(out, c->reading->names, c->reading->nnames, v->number);
	return c->info.unit == CRFD_UNIT_NS ? put_seconds(v->number, out) : crfd_number_say(c, v->number, out);
}

static const struct crfd_column *find(const struct saying *w, size_t len)
{
	for (size_t i = 0; i < w->n; i++) {
		const char *name = crfd_member_name(&w->member[i]);

		if (!strncmp(name, w->p, len) && !name[len])
			return &w->member[i];
	}
	return NULL;
}

/* Puts "{NAME}" or "{NAME?}", and returns 1 where it has something to say. */
static int put_member(struct saying *w)
{
	size_t len = strcspn(++w->p, "?}");
	const struct crfd_column *c = find(w, len);
	int is_asked = w->p[len] == '?';
	struct crfd_value v = {0};
	int rc = 0;

	w->p += len + 1 + (size_t)is_asked;
	if (c && c->list)
		return put_list(c, w->row, w->out) >= 0;
	if (c)
		rc = crfd_column_value(c, &w->scratch, w->row, &v);
	if (rc < 0)
		w->out->failed = rc;
	if (!v.known || is_asked)
		return v.known && (v.number || v.text.n);
	return put_value(c, &v, w->out) >= 0;
}

static int put_all(struct saying *w);

/* Puts the first of the choices between the brackets that has all to say that it would. */
static void put_choice(struct saying *w)
{
	size_t start = w->out->nr, end = start;
	int is_told = 0;

	do {
		w->p++;
		if (put_all(w) && !is_told) {
			is_told = 1;
			end = w->out->nr;
		}
		w->out->nr = end;
	} while (*w->p == '|');
	w->p++;
}

/* Returns 1 where all had something to say. */
static int put_all(struct saying *w)
{
	int is_told = 1;

	while (*w->p && *w->p != '|' && *w->p != '>') {
		size_t n = strcspn(w->p, "<|>{");

		crfd_buf_put(w->out, w->p, n);
		w->p += n;
		if (*w->p == '<')
			put_choice(w);
		else if (*w->p == '{')
			is_told &= put_member(w);
	}
	return is_told;
}

int crfd_phrase_put(const char *phrase, const struct crfd_column *member, size_t n, const struct crfd_row *r, crfd_buf *out)
{
	struct saying w = {.p = phrase, .member = member, .n = n, .row = r, .out = out};

	put_all(&w);
	crfd_scratch_release(&w.scratch);
	return out->failed;
}

int crfd_family_say(const struct crfd_family *f, const struct crfd_row *r, crfd_buf *out)
{
	int rc = f->say ? f->say(r, out) : 0;

	return rc < 0 || !f->phrase ? rc : crfd_phrase_put(f->phrase, f->column, f->ncolumns, r, out);
}
