// SPDX-License-Identifier: GPL-2.0-or-later

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

#include "conf.h"
#include "modules.h"
#include "swap.h"
#include "util.h"

#define ZRAM_DISK "/dev/zram0"
/* As malivm/swap.py has it */
#define DISK_SERIAL "mali-vm-swap"

/*
 * The first page of a swap area (include/linux/swap.h, union swap_header): the
 * numbers after 1024 bytes left to a boot loader, the magic at the page's end.
 */
struct swap_info {
	uint32_t version;
	uint32_t last_page;
	uint32_t nr_badpages;
};

static int make_swap(const char *path, unsigned long long bytes)
{
	static const char magic[] = { 'S', 'W', 'A', 'P', 'S', 'P', 'A', 'C', 'E', '2' };
	size_t page = sysconf(_SC_PAGESIZE);
	struct swap_info info = { .version = 1, .last_page = bytes / page - 1 };
	char *header = calloc(1, page);
	int fd, ret = 0;

	if (!header)
		return -ENOMEM;
	memcpy(header + 1024, &info, sizeof(info));
	memcpy(header + page - sizeof(magic), magic, sizeof(magic));
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, header, page) != (ssize_t)page)
		ret = -errno;
	if (fd >= 0)
		close(fd);
	free(header);
	return ret;
}

static int make_zram(unsigned long long bytes)
{
	/* A kernel with zram built in has the disk without a module. */
	int ret = module_load("zram");

	if (ret < 0 && !path_exists(ZRAM_DISK))
		return ret;
	return write_file("/sys/block/zram0/disksize", "%llu", bytes);
}

/* The machine's disk: its place among others is the kernel's choice */
static int find_disk(char *path, size_t size)
{
	DIR *d = opendir("/sys/block");
	char serial[sizeof(DISK_SERIAL) + 1];
	struct dirent *e;
	int ret = -ENODEV;

	while (d && (e = readdir(d))) {
		if (read_file(serial, sizeof(serial), "/sys/block/%s/serial", e->d_name) <= 0 ||
		    strcmp(serial, DISK_SERIAL))
			continue;
		snprintf(path, size, "/dev/%s", e->d_name);
		ret = 0;
	}
	if (d)
		closedir(d);
	return ret;
}

static const char *device(void)
{
	static char disk[sizeof("/dev/") + NAME_MAX];

	if (!swap_is_on_disk())
		return ZRAM_DISK;
	return disk[0] || !find_disk(disk, sizeof(disk)) ? disk : "/dev/nowhere";
}

bool swap_is_on_disk(void)
{
	return !strcmp(conf_get("swap-on", "zram"), "disk");
}

int swap_set_up(unsigned long long bytes)
{
	int ret = swap_is_on_disk() ? 0 : make_zram(bytes);

	if (ret >= 0)
		ret = make_swap(device(), bytes);
	return ret < 0 ? ret : swap_on();
}

int swap_off(void)
{
	return swapoff(device()) ? -errno : 0;
}

int swap_on(void)
{
	return swapon(device(), 0) && errno != EBUSY ? -errno : 0;
}
