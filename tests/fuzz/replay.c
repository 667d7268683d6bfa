/* SPDX-License-Identifier: MIT */
/* Feeds files, and every file of folders, to a fuzz target: the corpus without libFuzzer. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int n = feed_folder(argv[i]);

		if (n < 0)
			return 1;
		total += n;
	}
	printf("%s: %d inputs\n", argv[0], total);
	return total ? 0 : 1; /* a corpus that is not there must not pass */
}
