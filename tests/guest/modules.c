// SPDX-License-Identifier: GPL-2.0-or-later

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "modules.h"
#include "record.h"
#include "util.h"

#define MAX_DEPS 64

/* Of include/uapi/linux/module.h: the file is compressed, the kernel unpacks it. */
#define MODULE_INIT_COMPRESSED_FILE 4

static char dir[128];
static char *deps_text;
static int nr_loaded;

static struct alias {
	const char *pattern;
	size_t literal;			/* length before the first wildcard */
	const char *module;
} *aliases;
static size_t nr_aliases;


/* Split the lines "alias PATTERN MODULE" once: they are compared with every device. */
static void parse_aliases(char *text)
{
	char *line, *save, *pattern, *name;

	/* The shortest line is "alias a b". */
	aliases = calloc(strlen(text) / 10 + 1, sizeof(*aliases));
	if (!aliases)
		return;
	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		if (strncmp(line, "alias ", 6))
			continue;
		pattern = line + 6;
		name = strchr(pattern, ' ');
		if (!name)
			continue;
		*name++ = '\0';
		aliases[nr_aliases].pattern = pattern;
		aliases[nr_aliases].literal = strcspn(pattern, "*?[\\");
		aliases[nr_aliases].module = name;
		nr_aliases++;
	}
}

static int open_index(void)
{
	struct utsname uts;
	char path[192], *alias_text;

	if (deps_text)
		return 0;
	uname(&uts);
	snprintf(dir, sizeof(dir), "/lib/modules/%s", uts.release);
	snprintf(path, sizeof(path), "%s/modules.dep", dir);
	deps_text = read_all(path);
	snprintf(path, sizeof(path), "%s/modules.alias", dir);
	alias_text = read_all(path);
	if (alias_text)
		parse_aliases(alias_text);
	return deps_text ? 0 : -ENOENT;
}

/* Compare module names: '-' and '_' are the same, the second ends before ".ko". */
static bool same_module(const char *name, const char *file, size_t len)
{
	size_t i;

	for (i = 0; i < len && name[i]; i++) {
		char a = name[i] == '-' ? '_' : name[i];
		char b = file[i] == '-' ? '_' : file[i];

		if (a != b)
			return false;
	}
	return i == len && !name[i];
}

/* The line of modules.dep for a module: "path/x.ko: path/y.ko path/z.ko". */
static const char *find_deps(const char *name)
{
	const char *line, *next, *colon, *base, *ko;

	for (line = deps_text; line && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? next + 1 : line + strlen(line);
		colon = memchr(line, ':', next - line);
		if (!colon)
			continue;
		base = memrchr(line, '/', colon - line);
		base = base ? base + 1 : line;
		ko = memmem(base, colon - base, ".ko", 3);
		if (ko && same_module(name, base, ko - base))
			return line;
	}
	return NULL;
}

static int load_fd(int fd, int flags)
{
	int ret = 0;

	if (!syscall(SYS_finit_module, fd, "", flags))
		nr_loaded++;
	else if (errno != EEXIST)
		ret = -errno;
	close(fd);
	return ret;
}

int module_load_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : load_fd(fd, 0);
}

static int load_file(const char *file, size_t len)
{
	char path[384];
	int fd, flags = 0;

	snprintf(path, sizeof(path), "%s/%.*s", dir, (int)len, file);
	if (len < 3 || memcmp(file + len - 3, ".ko", 3))
		flags |= MODULE_INIT_COMPRESSED_FILE;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : load_fd(fd, flags);
}

static bool is_loaded(const char *file, size_t len)
{
	const char *base = memrchr(file, '/', len);
	const char *ko;
	char name[64];
	size_t i;

	base = base ? base + 1 : file;
	ko = memmem(base, file + len - base, ".ko", 3);
	if (!ko || (size_t)(ko - base) >= sizeof(name))
		return false;
	for (i = 0; base + i < ko; i++)
		name[i] = base[i] == '-' ? '_' : base[i];
	name[i] = '\0';
	return path_exists("/sys/module/%s", name);
}

int module_load(const char *name)
{
	struct {
		const char *file;
		size_t len;
	} files[MAX_DEPS];
	size_t n = 0;
	const char *line, *end, *p;
	int ret = open_index();

	if (ret < 0)
		return ret;
	line = find_deps(name);
	if (!line)
		return path_exists("/sys/module/%s", name) ? 0 : -ENOENT;

	end = strchrnul(line, '\n');
	for (p = line; p < end && n < MAX_DEPS; n++) {
		files[n].file = p;
		files[n].len = strcspn(p, ": \n");
		p += files[n].len;
		p += strspn(p, ": ");
	}
	/* depmod lists a dependency after what depends on it. */
	while (n-- > 0) {
		if (is_loaded(files[n].file, files[n].len))
			continue;
		ret = load_file(files[n].file, files[n].len);
		if (ret < 0)
			return ret;
	}
	return 0;
}

int module_unload(const char *name)
{
	record_save();
	return syscall(SYS_delete_module, name, O_NONBLOCK) ? -errno : 0;
}

int module_is_file(const char *name)
{
	return open_index() == 0 && find_deps(name);
}

static bool alias_matches(const struct alias *a, const char *modalias)
{
	return !strncmp(a->pattern, modalias, a->literal) && !fnmatch(a->pattern, modalias, 0);
}

/* Load every module that one modalias asks for. */
static void load_alias(const char *modalias)
{
	const struct alias *a;
	int ret;

	for (a = aliases; a < aliases + nr_aliases; a++) {
		if (!alias_matches(a, modalias))
			continue;
		ret = module_load(a->module);
		if (ret < 0)
			fprintf(stderr, "init: cannot load module %s: %s\n", a->module,
				strerror(-ret));
	}
}

static bool has_module(const char *modalias)
{
	const struct alias *a;

	for (a = aliases; a < aliases + nr_aliases; a++)
		if (alias_matches(a, modalias))
			return true;
	return false;
}

/*
 * A supplier, the panthor node's regulator for one, that has no driver yet
 * makes a probe come to nothing and be repeated later: load the supplier's
 * module first. Entries supplier:BUS:DEVICE lead to the link's state.
 */
static bool waits_for_supplier(const char *device)
{
	DIR *d = opendir(device);
	char status[32];
	struct dirent *e;
	bool waits = false;

	if (!d)
		return false;
	while (!waits && (e = readdir(d)))
		if (!strncmp(e->d_name, "supplier:", 9) &&
		    read_file(status, sizeof(status), "%s/%s/status", device, e->d_name) > 0)
			waits = !strcmp(status, "dormant");
	closedir(d);
	return waits;
}

/*
 * The devices of one bus that are still without a driver; with force also those
 * that wait. Returns whether any waits. The cheapest question comes first: most
 * devices have no module.
 */
static bool coldplug_bus(const char *bus, bool force)
{
	char path[320], device[640], modalias[512];
	struct dirent *e;
	bool waits = false;
	DIR *d;

	snprintf(path, sizeof(path), "/sys/bus/%s/devices", bus);
	d = opendir(path);
	if (!d)
		return false;
	while ((e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(device, sizeof(device), "%s/%s", path, e->d_name);
		if (read_file(modalias, sizeof(modalias), "%s/modalias", device) <= 0 ||
		    !has_module(modalias) || path_exists("%s/driver", device))
			continue;
		if (!force && waits_for_supplier(device))
			waits = true;
		else
			load_alias(modalias);
	}
	closedir(d);
	return waits;
}

static bool coldplug_pass(bool force)
{
	struct dirent *e;
	DIR *d = opendir("/sys/bus");
	bool waits = false;

	if (!d)
		return false;
	while ((e = readdir(d)))
		if (e->d_name[0] != '.')
			waits |= coldplug_bus(e->d_name, force);
	closedir(d);
	return waits;
}

int modules_coldplug(void)
{
	bool force = false, waits;
	int before;

	if (open_index() < 0)
		return 0;
	/* A driver may bring new devices with it: look until nothing more is loaded. */
	for (;;) {
		before = nr_loaded;
		waits = coldplug_pass(force);
		if (nr_loaded == before && (force || !waits))
			return nr_loaded;
		force = nr_loaded == before;
	}
}
