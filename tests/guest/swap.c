// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

#include "modules.h"
#include "swap.h"
#include "util.h"

#define ZRAM_DISK "/dev/zram0"

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

int swap_on_zram(unsigned long long bytes)
{
	int ret;

	/* A kernel with zram built in has the disk without a module. */
	ret = module_load("zram");
	if (ret < 0 && !path_exists(ZRAM_DISK))
		return ret;
	ret = write_file("/sys/block/zram0/disksize", "%llu", bytes);
	if (ret < 0)
		return ret;
	ret = make_swap(ZRAM_DISK, bytes);
	if (ret < 0)
		return ret;
	return swapon(ZRAM_DISK, 0) ? -errno : 0;
}

int swap_off(void)
{
	return swapoff(ZRAM_DISK) ? -errno : 0;
}

int swap_on(void)
{
	return swapon(ZRAM_DISK, 0) && errno != EBUSY ? -errno : 0;
}
