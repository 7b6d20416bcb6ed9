// SPDX-License-Identifier: GPL-2.0-or-later

#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "util.h"

static struct {
	const char *key;
	const char *value;
} *entries;
static size_t nr_entries;

void conf_load(const char *path)
{
	char *text = read_all(path), *line, *save, *eq;

	if (!text)
		return;
	/* An entry is at least two bytes and its newline. */
	entries = calloc(strlen(text) / 2 + 1, sizeof(*entries));
	if (!entries)
		return;
	nr_entries = 0;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		eq = strchr(line, '=');
		if (!eq || line[0] == '#')
			continue;
		*eq = '\0';
		entries[nr_entries].key = line;
		entries[nr_entries].value = eq + 1;
		nr_entries++;
	}
}

const char *conf_nth(const char *key, unsigned int n)
{
	size_t i;

	for (i = 0; i < nr_entries; i++)
		if (!strcmp(entries[i].key, key) && n-- == 0)
			return entries[i].value;
	return NULL;
}

const char *conf_get(const char *key, const char *otherwise)
{
	size_t i;

	for (i = nr_entries; i-- > 0; )
		if (!strcmp(entries[i].key, key))
			return entries[i].value;
	return otherwise;
}

unsigned long long conf_number(const char *key, unsigned long long otherwise)
{
	const char *value = conf_get(key, NULL);

	return value ? strtoull(value, NULL, 0) : otherwise;
}

int conf_bool(const char *key, int otherwise)
{
	static const char *const yes[] = { "1", "on", "yes", "true" };
	const char *value = conf_get(key, NULL);
	size_t i;

	if (!value)
		return otherwise;
	for (i = 0; i < ARRAY_SIZE(yes); i++)
		if (!strcmp(value, yes[i]))
			return 1;
	return 0;
}
