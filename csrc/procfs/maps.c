/* SPDX-License-Identifier: MIT */
#include "procfs/maps.h"

#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "base/number.h"
#include "format/format.h"

/* Takes the number at *p in front of `mark`, and moves *p behind that. 0 or -EINVAL. */
static int take_number(const char **p, const char *end, char mark, unsigned int base, uint64_t *out)
{
	const char *stop = memchr(*p, mark, (size_t)(end - *p));

	if (!stop || crfd_number(*p, (size_t)(stop - *p), base, UINT64_MAX, out) < 0)
		return -EINVAL;
	*p = stop + 1;
	return 0;
}

/* "r-xp " */
static int take_prot(const char **p, const char *end, uint32_t *out)
{
	static const char letters[] = "rwxs";

	if (end - *p < 5 || (*p)[4] != ' ')
		return -EINVAL;
	*out = 0;
	for (int i = 0; i < 4; i++) {
		if ((*p)[i] == letters[i])
			*out |= 1u << i;
		else if ((*p)[i] != (i == 3 ? 'p' : '-'))
			return -EINVAL;
	}
	*p += 5;
	return 0;
}

_Static_assert(CRFD_MAP_READ == 1 && CRFD_MAP_WRITE == 2 && CRFD_MAP_EXEC == 4 && CRFD_MAP_SHARED == 8, "letters");

/* "559c-559d r-xp 00001000 fe:00 1234        /path": fs/proc/task_mmu.c, show_map_vma() */
static int take_line(const char *p, const char *end, struct crfd_mapping *m)
{
	const char *ino = NULL;
	uint64_t offset, major, minor;

	if (take_number(&p, end, '-', 16, &m->start) < 0 || take_number(&p, end, ' ', 16, &m->end) < 0 ||
	    take_prot(&p, end, &m->prot) < 0 || take_number(&p, end, ' ', 16, &offset) < 0 ||
	    take_number(&p, end, ':', 16, &major) < 0 || take_number(&p, end, ' ', 16, &minor) < 0)
		return -EINVAL;
	for (ino = p; p < end && *p != ' ';)
		p++;
	if (m->end <= m->start || major > UINT32_MAX || minor > UINT32_MAX ||
	    crfd_number(ino, (size_t)(p - ino), 10, UINT64_MAX, &m->ino) < 0)
		return -EINVAL;
	while (p < end && *p == ' ')
		p++;
	m->dev = makedev((unsigned int)major, (unsigned int)minor);
	m->name = p;
	m->len = (uint32_t)(end - p);
	return 0;
}

int crfd_maps_next(const char **text, const char *end, struct crfd_mapping *out)
{
	struct crfd_mapping m;

	while (*text < end) {
		const char *eol = memchr(*text, '\n', (size_t)(end - *text)), *stop = eol ? eol : end;

		if (stop - *text > INT32_MAX || take_line(*text, stop, &m) < 0)
			return -EINVAL;
		*text = stop + (eol != NULL);
		if (!m.dev) /* what has no file has device 0:0 */
			continue;
		*out = m;
		return 1;
	}
	return 0;
}
