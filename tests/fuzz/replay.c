/* SPDX-License-Identifier: MIT */
/*
 * Feeds files, and every file of folders, to a fuzz target: the corpus without libFuzzer. Where the target has a mutator of its
 * own, each file also comes changed by it, as often as MUTANTS says.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM 65536 /* that a mutant may take */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
__attribute__((weak)) size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static unsigned long mutants, fed;

/* What libFuzzer gives a mutator: here one byte or one word is another one. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	static const uint8_t words[][4] = {{0}, {1}, {0xff, 0xff, 0xff, 0xff}, {0, 0, 0, 0x80}, {0xff, 0xff}, {0x1b, '[', '2', 'J'}};
	size_t at = size ? (size_t)rand() % size : 0;

	(void)max_size;
	if (size - at >= sizeof(words[0]) && rand() % 2)
		memcpy(data + at, words[(size_t)rand() % (sizeof(words) / sizeof(words[0]))], sizeof(words[0]));
	else if (size)
		data[at] = (uint8_t)rand();
	return size;
}

static void feed_mutants(const uint8_t *data, size_t size)
{
	uint8_t *room = malloc(ROOM);

	for (unsigned long i = 0; room && LLVMFuzzerCustomMutator && size <= ROOM && i < mutants; i++) {
		uint8_t *exact;
		size_t n;

		memcpy(room, data, size);
		n = LLVMFuzzerCustomMutator(room, size, ROOM, (unsigned int)rand());
		exact = malloc(n ? n : 1);
		memcpy(exact, room, n);
		LLVMFuzzerTestOneInput(exact, n);
		free(exact);
		fed++;
	}
	free(room);
}

static int feed_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = NULL;
	int rc = -1;
	long size;

	if (!f || fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) < 0)
		goto out;
	rewind(f);
	data = malloc((size_t)size); /* of exactly this size: a read past its end is seen */
	if ((size && !data) || fread(data, 1, (size_t)size, f) != (size_t)size)
		goto out;
	LLVMFuzzerTestOneInput(data, (size_t)size);
	feed_mutants(data, (size_t)size);
	rc = 1;
out:
	if (rc < 0)
		perror(path);
	free(data);
	if (f)
		fclose(f);
	return rc;
}

static int feed_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int n = 0, rc = 1;

	if (!dir)
		return feed_file(path);
	while (rc >= 0 && (entry = readdir(dir))) {
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		rc = feed_file(name);
		n++;
	}
	closedir(dir);
	return rc < 0 ? rc : n;
}

int main(int argc, char **argv)
{
	const char *wanted = getenv("MUTANTS");
	int total = 0;

	mutants = wanted ? strtoul(wanted, NULL, 10) : 1000;
	for (int i = 1; i < argc; i++) {
		int n = feed_folder(argv[i]);

		if (n < 0)
			return 1;
		total += n;
	}
	printf("%s: %d inputs, %lu mutants\n", argv[0], total, fed);
	return total ? 0 : 1; /* a corpus that is not there must not pass */
}
