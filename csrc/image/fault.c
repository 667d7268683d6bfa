/* SPDX-License-Identifier: MIT */
/* The rules of the format stand here in words, as a fault names the one that was broken. */
#include "format/format.h"
#include "image/image.h"

static const struct {
	int code, hex;
	const char *rule;
} rules[] = {
	{CRFD_E_TYPE, 0, "the type of a record that may stand here"},
	{CRFD_E_CRITICAL, 1, "no critical extension that this version does not know"},
	{CRFD_E_LEN, 0, "payload length of the record's type"},
	{CRFD_E_PARENT, 0, "parent that the record belongs to"},
	{CRFD_E_TRUNCATED, 0, "the image goes on to the end of TAIL"},
	{CRFD_E_TRAILING, 1, "nothing follows TAIL"},
	{CRFD_E_MAGIC, 1, "magic number"},
	{CRFD_E_BYTE_ORDER, 1, "little-endian records"},
	{CRFD_E_REV, 0, "HEAD.rev that this version reads"},
	{CRFD_E_COMM_LEN, 0, "TASK.comm_len"},
	{CRFD_E_FD_ORDER, 0, "fds of a task strictly ascending from 0"},
	{CRFD_E_OBJREF, 0, "objrefs in order of first appearance without a gap"},
	{CRFD_E_FD_TYPE, 0, "FD_DATA.fd_type of the format"},
	{CRFD_E_NAME, 0, "FNAME ends in its only NUL"},
	{CRFD_E_NFDS, 0, "as many FD_ENTs as FILES.nfds says"},
	{CRFD_E_TABLE, 0, "table objrefs in order of first appearance, entries with the first alone"},
	{CRFD_E_PADDING, 1, "padding is zero"},
	{CRFD_E_SECTION_SUM, 1, "SECTION_SUM of the bytes before it"},
	{CRFD_E_INDEX, 1, "the index describes the sections"},
	{CRFD_E_IMAGE_SUM, 1, "IMAGE_SUM of the bytes before it"},
	{CRFD_E_FLAGS, 1, "HEAD.flags that fit the records"},
	{CRFD_E_FIELD, 0, "a field within its range"},
	{CRFD_E_PID, 0, "one section a pid"},
};

const char *crfd_fault_rule(int code, int *hex)
{
	for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++) {
		if (rules[i].code != code)
			continue;
		*hex = rules[i].hex;
		return rules[i].rule;
	}
	return NULL;
}
