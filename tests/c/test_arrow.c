/* SPDX-License-Identifier: MIT */
/* Streams are consumed here as others do: read, columns moved out, released late, in any order and in other threads. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "arrow/arrow.h"
#include "base/buf.h"
#include "batch/batch.h"
#include "check.h"
#include "image/image.h"
#include "oom.h"

#define MANY 70000 /* descriptors of the second task: more than a record batch has */
#define FIELDS CRFD_ARROW_FIELDS

static const char bad[] = "/tmp/bad-\xff\xfe-\\x";
static crfd_shared *whole, *little; /* images, and their sizes */
static size_t nwhole, nlittle;

/* ---- images ---- */

static void add_fd(crfd_batch *b, crfd_fd *f, int fd, const char *name)
{
	*f = (crfd_fd){.fd = fd, .kind = CRFD_KIND_FILE, .f_uid = 7, .f_gid = 8, .f_pos = UINT64_MAX,
		       .st = {.known = CRFD_HAS_FLAGS | CRFD_HAS_ACCESS | CRFD_HAS_PATH | CRFD_HAS_INO | CRFD_HAS_OWNER,
			      .f_mode = 1, .ino = 1ull << 63}};
	f->name = (crfd_span){.off = b->text.nr, .len = (uint32_t)strlen(name)};
	CHECK(crfd_buf_put(&b->text, name, strlen(name)) == 0);
}

static void add_task(crfd_batch *b, uint32_t pid, const char *comm, size_t n)
{
	crfd_task *t = crfd_batch_task(b);
	crfd_fd *f;

	CHECK(t);
	t->rec.comm_len = CRFD_COMM_LEN;
	t->info = (crfd_task_info){.pid = pid, .nofile_soft = 1024};
	strcpy(t->comm, comm);
	f = crfd_batch_fds(b, n);
	CHECK(f || !n);
	for (size_t i = 0; i < n; i++) {
		add_fd(b, &f[i], (int)i, i == 1 ? bad : "/etc/passwd");
		b->ident[b->nfds - n + i] = i < 3 ? i + 1 : pid * 100000ull + i; /* the first three are shared */
	}
}

static crfd_shared *make_image(size_t many, size_t *n)
{
	size_t total = many + 3;
	crfd_batch *b = crfd_batch_new();
	crfd_objrefs *o = crfd_objrefs_new();
	crfd_encoder *e = crfd_encoder_new(0);
	uint32_t *objref = calloc(total, sizeof(*objref));
	uint8_t *fresh = calloc(total, 1);
	crfd_shared *s;
	crfd_buf out = {0};

	CHECK(b && o && e && objref && fresh);
	add_task(b, 11, "one", 3);
	add_task(b, 12, "two", many);
	add_task(b, 13, "no\xe9", 0);
	CHECK(crfd_objrefs_add(o, b->ident, total, objref, fresh) == 0);
	CHECK(crfd_encode_head(e, CRFD_BACKEND_PROC, 0, &out) == 0);
	while (crfd_encode_batch(e, b, objref, fresh, 1 << 20, &out) == 1)
		;
	CHECK(crfd_encode_tail(e, &out) == 0);
	s = crfd_shared_new(out.nr);
	CHECK(s);
	memcpy(crfd_shared_bytes(s), out.v, out.nr);
	*n = out.nr;
	crfd_buf_release(&out);
	crfd_encoder_free(e);
	crfd_objrefs_free(o);
	crfd_batch_free(b);
	free(objref);
	free(fresh);
	return s;
}

/* ---- a consumer ---- */

static size_t table_named(const char *name)
{
	for (size_t i = 0; i < crfd_arrow_tables_len(); i++)
		if (!strcmp(crfd_arrow_tables_get(i)->name, name))
			return i;
	CHECK(!"a table of that name");
	return 0;
}

/* The numbers of columns, which blanks separate; all that are given where names is NULL. */
static size_t columns_named(size_t table, const char *names, uint16_t *out)
{
	crfd_arrow_field field[FIELDS];
	int n = crfd_arrow_fields(table, field);
	size_t nr = 0;

	CHECK_RANGE(n, 1, FIELDS);
	for (int i = 0; !names && i < n; i++)
		if (field[i].is_given)
			out[nr++] = (uint16_t)i;
	for (const char *p = names; p && *p; p += strcspn(p, " ") + (p[strcspn(p, " ")] == ' '))
		for (int i = 0; i < n; i++)
			if (strlen(field[i].name) == strcspn(p, " ") && !strncmp(field[i].name, p, strcspn(p, " ")))
				out[nr++] = (uint16_t)i;
	return nr;
}

static int open_stream(crfd_shared *image, size_t n, const char *table, const char *names,
		       const struct ArrowSchema *requested, struct ArrowArrayStream *out)
{
	uint16_t field[FIELDS];
	crfd_fault fault;
	size_t number = table_named(table);

	return crfd_arrow_stream(&(crfd_arrow_options){.buf = crfd_shared_bytes(image), .n = n, .shared = image, .table = number,
						       .field = field, .nfields = columns_named(number, names, field),
						       .requested = requested}, out, &fault);
}

static struct ArrowArray next_batch(struct ArrowArrayStream *s)
{
	struct ArrowArray a;

	CHECK_EQ(s->get_next(s, &a), 0);
	return a;
}

static int is_known(const struct ArrowArray *a, int64_t i)
{
	const uint8_t *bits = a->buffers[0];

	return !bits || bits[i / 8] >> (i % 8) & 1;
}

static int64_t number_at(const struct ArrowArray *a, int64_t i)
{
	return ((const int64_t *)a->buffers[1])[i];
}

static void check_text(const struct ArrowArray *a, int64_t i, const char *expected)
{
	const int32_t *offset = a->buffers[1];
	const char *text = a->buffers[2];

	CHECK_EQ(is_known(a, i), 1);
	CHECK_TEXT(text + offset[i], (size_t)(offset[i + 1] - offset[i]), expected);
}

static void check_word(const struct ArrowArray *a, int64_t i, const char *expected)
{
	CHECK(a->dictionary);
	check_text(a->dictionary, ((const int32_t *)a->buffers[1])[i], expected);
}

static void nothing(struct ArrowSchema *s)
{
	(void)s;
}

/* ---- tests ---- */

static void test_the_schema_names_types(void)
{
	static const struct {
		const char *name, *format;
		int is_word;
	} rows[] = {
		{"pid", "l", 0}, {"comm", "i", 1}, {"close_on_exec", "b", 0}, {"kind", "i", 1}, {"path", "u", 0}, {"path_bytes", "z", 0},
	};
	struct ArrowSchema schema;
	struct ArrowArrayStream s;

	CHECK_EQ(open_stream(little, nlittle, "descriptors", "pid comm close_on_exec kind path path_bytes", NULL, &s), 0);
	CHECK_EQ(s.get_schema(&s, &schema), 0);
	s.release(&s);
	CHECK_STR(schema.format, "+s");
	CHECK_EQ(schema.n_children, COUNT_OF(rows));
	FOR_ROWS(row, rows) {
		const struct ArrowSchema *one = schema.children[row - rows];

		CHECK_STR(one->name, row->name);
		CHECK_STR(one->format, row->format);
		CHECK_EQ(one->dictionary != NULL, row->is_word);
	}
	schema.release(&schema);
	CHECK(!schema.release);
}

static void test_batches_have_at_most_64k_rows(void)
{
	static const int64_t rows[] = {CRFD_ARROW_ROWS, MANY + 3 - CRFD_ARROW_ROWS};
	struct ArrowArrayStream s;
	struct ArrowArray a;

	CHECK_EQ(open_stream(whole, nwhole, "descriptors", "pid fd", NULL, &s), 0);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		a = next_batch(&s);
		CHECK_EQ(a.length, rows[i]);
		CHECK_EQ(a.n_children, 2);
		CHECK_EQ(number_at(a.children[0], a.length - 1), 12);
		CHECK_EQ(number_at(a.children[1], 5), i ? CRFD_ARROW_ROWS + 5 - 3 : 2);
		a.release(&a);
	}
	for (int i = 0; i < 2; i++) { /* the end stays the end */
		a = next_batch(&s);
		CHECK(!a.release);
	}
	s.release(&s);
}

static void test_values(void)
{
	struct ArrowArrayStream s;
	struct ArrowArray a;

	CHECK_EQ(open_stream(little, nlittle, "descriptors", "path path_bytes comm f_pos size ino shared", NULL, &s), 0);
	a = next_batch(&s);
	CHECK_EQ(a.length, 8);
	check_text(a.children[0], 0, "/etc/passwd");
	check_text(a.children[0], 1, "/tmp/bad-\\xff\\xfe-\\x");
	CHECK_EQ(a.children[1]->null_count, 6);
	CHECK_EQ(is_known(a.children[1], 0), 0);
	check_text(a.children[1], 1, bad);
	check_word(a.children[2], 2, "one");
	check_word(a.children[2], 3, "two");
	CHECK_EQ(a.children[2]->dictionary->length, 2);
	CHECK_EQ(number_at(a.children[3], 0), -1); /* the same bits */
	CHECK_EQ(a.children[4]->null_count, 8);
	CHECK_EQ(is_known(a.children[4], 7), 0);
	CHECK_EQ(number_at(a.children[4], 7), 0);
	CHECK_EQ(number_at(a.children[5], 0), INT64_MIN);
	CHECK_EQ(number_at(a.children[6], 0), 2);
	CHECK_EQ(number_at(a.children[6], 7), 1);
	a.release(&a);
	s.release(&s);
}

static void test_tables_count_what_they_are_of(void)
{
	static const struct {
		const char *name;
		int64_t rows;
	} rows[] = {{"descriptors", 8}, {"files", 5}, {"tasks", 3}, {"held", 0}, {"sockets", 0}, {"locks", 0}, {"epoll_targets", 0}};

	FOR_ROWS(row, rows) {
		struct ArrowArrayStream s;
		struct ArrowArray a;

		CHECK_EQ(open_stream(little, nlittle, row->name, NULL, NULL, &s), 0);
		a = next_batch(&s);
		CHECK_EQ(a.length, row->rows);
		CHECK_EQ(a.release != NULL, row->rows > 0);
		if (a.release)
			a.release(&a);
		s.release(&s);
	}
}

/* A column that was moved out lives on when the batch is released, and the stream before both. */
static void test_a_column_outlives_all_else(void)
{
	size_t n;
	crfd_shared *image = make_image(5, &n);
	struct ArrowArrayStream s;
	struct ArrowArray a, path;

	CHECK_EQ(open_stream(image, n, "descriptors", "pid path", NULL, &s), 0);
	crfd_shared_drop(image); /* the stream has it still */
	a = next_batch(&s);
	s.release(&s);
	path = *a.children[1];
	a.children[1]->release = NULL;
	a.release(&a);
	check_text(&path, 7, "/etc/passwd");
	path.release(&path);
}

static void test_bytes_that_are_not_shared_are_copied(void)
{
	uint8_t *copy = check_copy(crfd_shared_bytes(little), nlittle);
	uint16_t field[] = {0};
	struct ArrowArrayStream s;
	struct ArrowArray a;
	crfd_fault fault;

	CHECK_EQ(crfd_arrow_stream(&(crfd_arrow_options){.buf = copy, .n = nlittle, .field = field, .nfields = 1}, &s, &fault), 0);
	free(copy);
	a = next_batch(&s);
	CHECK_EQ(number_at(a.children[0], 0), 11);
	a.release(&a);
	s.release(&s);
}

static void test_views_where_they_are_asked_for(void)
{
	struct ArrowSchema path = {.format = "vu", .name = "path"}, other = {.format = "vu", .name = "pid"};
	struct ArrowSchema *children[] = {&other, &path};
	struct ArrowSchema wish = {.format = "+s", .n_children = 2, .children = children, .release = nothing};
	struct ArrowSchema schema;
	struct ArrowArrayStream s;
	struct ArrowArray a;
	const uint8_t *view;
	int32_t n, at;

	CHECK_EQ(open_stream(little, nlittle, "descriptors", "pid path", &wish, &s), 0);
	CHECK_EQ(s.get_schema(&s, &schema), 0);
	CHECK_STR(schema.children[0]->format, "l");
	CHECK_STR(schema.children[1]->format, "vu");
	a = next_batch(&s);
	CHECK_EQ(a.children[1]->n_buffers, 4);
	view = a.children[1]->buffers[1];
	memcpy(&n, view, sizeof(n));
	CHECK_TEXT(view + 4, (size_t)n, "/etc/passwd"); /* 11 bytes: they are in the view */
	memcpy(&n, view + 16, sizeof(n));
	memcpy(&at, view + 16 + 12, sizeof(at));
	CHECK_BYTES(view + 16 + 4, 4, "/tmp", 4);
	CHECK_TEXT((const char *)a.children[1]->buffers[2] + at, (size_t)n, "/tmp/bad-\\xff\\xfe-\\x");
	CHECK_RANGE(*(const int64_t *)a.children[1]->buffers[3], n, 1000);
	a.release(&a);
	schema.release(&schema);
	s.release(&s);
}

static void test_what_is_wrong_is_refused(void)
{
	uint16_t field[] = {FIELDS};
	struct ArrowArrayStream s;
	struct ArrowSchema schema;
	crfd_fault fault;
	crfd_arrow_options o = {.buf = crfd_shared_bytes(little), .n = nlittle, .shared = little, .field = field, .nfields = 1};

	CHECK_EQ(crfd_arrow_stream(&o, &s, &fault), -ERANGE);
	CHECK_EQ(crfd_arrow_schema(0, field, 1, &schema), -ERANGE);
	CHECK_EQ(crfd_arrow_schema(1000, field, 0, &schema), -ERANGE);
	CHECK(!crfd_arrow_tables_get(crfd_arrow_tables_len()));
	field[0] = 0;
	o.table = crfd_arrow_tables_len();
	CHECK_EQ(crfd_arrow_stream(&o, &s, &fault), -ERANGE);
	o.table = 0;
	o.n--;
	CHECK_EQ(crfd_arrow_stream(&o, &s, &fault), CRFD_E_TRUNCATED);
	CHECK_EQ(fault.code, CRFD_E_TRUNCATED);
}

/* Reads a table to its end. 0, or what went wrong. */
static int read_all(const char *table, const char *names)
{
	struct ArrowArrayStream s;
	struct ArrowSchema schema;
	struct ArrowArray a;
	int rc = open_stream(little, nlittle, table, names, NULL, &s);

	if (rc < 0)
		return rc;
	rc = s.get_schema(&s, &schema);
	if (!rc)
		schema.release(&schema);
	while (!rc && !(rc = s.get_next(&s, &a)) && a.release)
		a.release(&a);
	CHECK_EQ(s.get_last_error(&s) != NULL, rc != 0);
	s.release(&s);
	return -rc;
}

static void test_without_memory(void)
{
	static const char *const tables[] = {"descriptors", "files", "tasks"};

	for (size_t i = 0; i < COUNT_OF(tables); i++)
		for (long n = 1, refused = 1; refused; n++) {
			int rc;

			oom_arm(n, 0);
			rc = read_all(tables[i], NULL);
			refused = oom_disarm();
			CHECK_EQ(rc, refused ? -ENOMEM : 0);
		}
}

/* ---- threads ---- */

static void *release_it(void *arg)
{
	struct ArrowArray *a = arg;

	a->release(a);
	return NULL;
}

static void *read_it(void *arg)
{
	struct ArrowArrayStream s;
	struct ArrowArray a;
	int64_t *rows = arg;

	CHECK_EQ(open_stream(whole, nwhole, "descriptors", "pid comm path", NULL, &s), 0);
	for (a = next_batch(&s); a.release; a = next_batch(&s)) {
		*rows += a.length;
		a.release(&a);
	}
	s.release(&s);
	return NULL;
}

static void test_other_threads(void)
{
	struct ArrowArrayStream s;
	struct ArrowArray a, path;
	int64_t rows[4] = {0};
	pthread_t thread[COUNT_OF(rows) + 2];

	CHECK_EQ(open_stream(whole, nwhole, "descriptors", "pid path", NULL, &s), 0);
	a = next_batch(&s);
	path = *a.children[1];
	a.children[1]->release = NULL;
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		CHECK(!pthread_create(&thread[i], NULL, read_it, &rows[i]));
	CHECK(!pthread_create(&thread[COUNT_OF(rows)], NULL, release_it, &a));
	CHECK(!pthread_create(&thread[COUNT_OF(rows) + 1], NULL, release_it, &path));
	s.release(&s);
	for (size_t i = 0; i < COUNT_OF(thread); i++)
		CHECK(!pthread_join(thread[i], NULL));
	for (size_t i = 0; i < COUNT_OF(rows); i++)
		CHECK_EQ(rows[i], MANY + 3);
}

int main(void)
{
	whole = make_image(MANY, &nwhole);
	little = make_image(5, &nlittle);
	test_the_schema_names_types();
	test_batches_have_at_most_64k_rows();
	test_values();
	test_tables_count_what_they_are_of();
	test_a_column_outlives_all_else();
	test_bytes_that_are_not_shared_are_copied();
	test_views_where_they_are_asked_for();
	test_what_is_wrong_is_refused();
	test_without_memory();
	test_other_threads();
	crfd_shared_drop(whole);
	crfd_shared_drop(little);
	return check_status();
}
