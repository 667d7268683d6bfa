/* SPDX-License-Identifier: MIT */
#include "columns/sockopts.h"

#include <string.h>

/* CRFD_SOCKOPT_*, from the lowest bit on */
static const char *const names[] = {"reuseaddr", "reuseport",	"keepalive", "broadcast",   "oobinline", "dontroute", "no_check",
				    "linger",	 "passcred",	"passsec",   "timestamp",   "zerocopy",	 "buf_lock",  "nodelay",
				    "cork",	 "freebind",	"transparent", "hdrincl",   "pktinfo",	 "recverr",   "v6only"};

static const struct crfd_column numbers[] = {
#define NUMBER(name, unit, member, bit)                                                                              \
	CRFD_MEMBER(name, "", KIND, INT, unit, 0, RECORD, CRFD_REC_SOCK_OPTIONS, crfd_sock_options, member,           \
		    (bit) ? offsetof(crfd_sock_options, known) : CRFD_ALWAYS, bit)
	NUMBER("recv_buffer", BYTES, recv_buffer, 0),
	NUMBER("send_buffer", BYTES, send_buffer, 0),
	NUMBER("recv_low", BYTES, recv_low, 0),
	NUMBER("priority", NONE, priority, 0),
	NUMBER("mark", BITS, mark, 0),
	NUMBER("linger", NONE, linger, CRFD_SOCKOPT_LINGER),
	NUMBER("recv_timeout", NS, recv_timeout, 0),
	NUMBER("send_timeout", NS, send_timeout, 0),
	NUMBER("keep_idle", NONE, keep_idle, CRFD_SOCKOPTS_HAS_TCP),
	NUMBER("keep_interval", NONE, keep_interval, CRFD_SOCKOPTS_HAS_TCP),
	NUMBER("keep_count", NONE, keep_count, CRFD_SOCKOPTS_HAS_TCP),
	NUMBER("user_timeout", NONE, user_timeout, CRFD_SOCKOPTS_HAS_TCP),
	CRFD_MEMBER("device", "", KIND, TEXT, NONE, 0, RECORD, CRFD_REC_SOCK_OPTIONS, crfd_sock_options, device, CRFD_ALWAYS, 0),
	CRFD_MEMBER("congestion", "", KIND, TEXT, NONE, 0, RECORD, CRFD_REC_SOCK_OPTIONS, crfd_sock_options, congestion,
		    offsetof(crfd_sock_options, known), CRFD_SOCKOPTS_HAS_TCP),
};

/* Puts the names of the bits, each with what stands before and behind it. */
static void put_names(uint32_t bits, const char *quote, const char *between, crfd_buf *out)
{
	int n = 0;

	for (size_t i = 0; i < CRFD_LEN(names); i++) {
		if (!(bits >> i & 1))
			continue;
		crfd_text_put(out, n++ ? between : "");
		crfd_text_put(out, quote);
		crfd_text_put(out, names[i]);
		crfd_text_put(out, quote);
	}
}

int crfd_sockopts_get(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	crfd_sock_options o;

	(void)c;
	if (!r->is_read || !crfd_row_read(r, CRFD_REC_SOCK_OPTIONS, &o, sizeof(o)))
		return 0;
	put_names(o.on, "", ",", &s->text);
	return crfd_value_scratch(s, s->text.failed, v);
}

static int put_number(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	crfd_text_put(out, ", \"");
	crfd_text_put(out, c->info.name);
	crfd_text_put(out, "\": ");
	return crfd_value_json(c, s, r, out);
}

int crfd_sockopts_json(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	crfd_sock_options o;
	int rc = 0;

	if (!r->is_read || !crfd_row_read(r, CRFD_REC_SOCK_OPTIONS, &o, sizeof(o)))
		return crfd_text_put(out, "null");
	crfd_text_put(out, "{\"on\": [");
	put_names(o.on, "\"", ", ", out);
	crfd_text_put(out, "], \"off\": [");
	put_names(o.known & ~o.on & ~CRFD_SOCKOPTS_HAS_TCP, "\"", ", ", out);
	crfd_text_put(out, "]");
	for (size_t i = 0; i < CRFD_LEN(numbers) && rc >= 0; i++)
		rc = put_number(&numbers[i], s, r, out);
	return rc < 0 ? rc : crfd_text_put(out, "}");
}
