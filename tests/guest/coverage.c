// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coverage.h"
#include "util.h"

#define GCOV "/sys/kernel/debug/gcov"
#define SUFFIX ".gcda"

static const char *target;
static int saved;

/* The kernel makes up the content when the file is opened: its size is not known before. */
static int copy(const char *from, const char *to)
{
	char buf[16 * KIB];
	int in = open(from, O_RDONLY | O_CLOEXEC), out, ret = 0;
	ssize_t n;

	if (in < 0)
		return -errno;
	out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (out < 0) {
		ret = -errno;
		close(in);
		return ret;
	}
	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(out, buf, n) != n)
			break;
	if (n)
		ret = -EIO;
	close(in);
	close(out);
	return ret;
}

static int visit(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	size_t length = strlen(path);
	char to[4096], *p;
	int ret;

	(void)st;
	(void)ftw;
	if (type != FTW_F || length < strlen(SUFFIX) ||
	    strcmp(path + length - strlen(SUFFIX), SUFFIX))
		return 0;
	snprintf(to, sizeof(to), "%s%s", target, path + strlen(GCOV));
	for (p = strchr(to + strlen(target) + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(to, 0755) && errno != EEXIST)
			return -errno;
		*p = '/';
	}
	ret = copy(path, to);
	saved += !ret;
	return ret;
}

int coverage_save(const char *directory)
{
	int ret;

	target = directory;
	saved = 0;
	ret = nftw(GCOV, visit, 8, FTW_PHYS);
	if (ret)
		return ret < -1 ? ret : -errno;
	return saved;
}
