// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <fcntl.h>
#include <linux/kernel-page-flags.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "frame_map.h"
#include "modules.h"
#include "util.h"

#define DIR "/sys/kernel/debug/" CHECK_MODULE

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_PFN ((1ull << 55) - 1)

/* Flags of a page that somebody uses, whatever moment it is looked at. */
#define USED (1ull << KPF_LRU | 1ull << KPF_SLAB | 1ull << KPF_ANON | 1ull << KPF_MMAP | \
	      1ull << KPF_SWAPCACHE | 1ull << KPF_PGTABLE | 1ull << KPF_HUGE | \
	      1ull << KPF_COMPOUND_HEAD | 1ull << KPF_COMPOUND_TAIL)
#define IS_FREE (1ull << KPF_BUDDY)

/* A page may change hands between two looks; what is wrong stays wrong. */
#define LOOKS 5

static uint64_t first_pfn;
static size_t nr_frames;

static uint8_t *ring, *symbols;
static size_t ring_size, symbols_size;

static ssize_t read_at(const char *path, void *buf, size_t size, off_t offset)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (done < size && (n = pread(fd, (char *)buf + done, size - done, offset + done)) > 0)
		done += n;
	if (n < 0)
		n = -errno;
	close(fd);
	return n < 0 ? n : (ssize_t)done;
}

/* A file that does not tell its size. */
static int read_blob(const char *name, uint8_t **data, size_t *size)
{
	size_t room = MIB;
	char path[128];
	ssize_t n;

	snprintf(path, sizeof(path), DIR "/%s", name);
	for (;;) {
		uint8_t *p = realloc(*data, room);

		if (!p)
			return -ENOMEM;
		*data = p;
		n = read_at(path, p, room, 0);
		if (n < (ssize_t)room)
			break;
		room *= 2;
	}
	*size = n < 0 ? 0 : n;
	return n < 0 ? n : 0;
}

int frame_map_open(void)
{
	uint8_t *states = NULL;
	long long first;
	int ret = read_number(&first, DIR "/first_pfn");

	if (!ret)
		ret = read_blob("states", &states, &nr_frames);
	free(states);
	first_pfn = first;
	return ret;
}

int frame_map_frames(const void *start, size_t size, uint64_t *pfns)
{
	size_t i, page = sysconf(_SC_PAGESIZE), nr = size / page;
	ssize_t n = read_at("/proc/self/pagemap", pfns, nr * sizeof(*pfns),
			    (uintptr_t)start / page * sizeof(*pfns));

	if (n < 0)
		return n;
	for (i = 0; i < nr; i++)
		pfns[i] = pfns[i] & PAGEMAP_PRESENT ? pfns[i] & PAGEMAP_PFN : 0;
	return 0;
}

static int state_of(const uint8_t *states, uint64_t pfn)
{
	return pfn - first_pfn < nr_frames ? states[pfn - first_pfn] : GPU_DMA_CHECK_UNKNOWN;
}

int frame_map_states(const uint64_t *pfns, size_t nr, uint8_t *result)
{
	uint8_t *states = malloc(nr_frames);
	ssize_t n = states ? read_at(DIR "/states", states, nr_frames, 0) : -ENOMEM;
	size_t i;

	for (i = 0; n >= 0 && i < nr; i++)
		result[i] = state_of(states, pfns[i]);
	free(states);
	return n < 0 ? n : 0;
}

int frame_map_count(const void *start, size_t size, struct frame_counts *counts)
{
	size_t i, nr = size / sysconf(_SC_PAGESIZE);
	uint64_t *before = malloc(nr * sizeof(*before)), *after = malloc(nr * sizeof(*after));
	uint8_t *states = malloc(nr);
	int look, ret = before && after && states ? 0 : -ENOMEM;

	for (look = 0; !ret && look < LOOKS; look++) {
		memset(counts, 0, sizeof(*counts));
		ret = frame_map_frames(start, size, before);
		if (!ret)
			ret = frame_map_states(before, nr, states);
		if (!ret)
			ret = frame_map_frames(start, size, after);
		for (i = 0; !ret && i < nr; i++) {
			if (!before[i] || before[i] != after[i])
				continue;
			counts->present++;
			counts->state[states[i]]++;
		}
		if (!counts->state[GPU_DMA_CHECK_FREED])
			break;
	}
	free(before);
	free(after);
	free(states);
	return ret;
}

/* Look once at all frames; those in suspects[] only, if they were looked at before. */
static int audit_once(struct frame_audit *audit, uint8_t *suspects, bool first)
{
	size_t size = nr_frames * sizeof(uint64_t), i;
	uint64_t *before = malloc(size), *after = malloc(size);
	uint8_t *states = malloc(nr_frames);
	int ret = before && after && states ? 0 : -ENOMEM;
	ssize_t n = ret;

	if (!ret)
		n = read_at("/proc/kpageflags", before, size, first_pfn * sizeof(*before));
	if (n >= 0)
		n = read_at(DIR "/states", states, nr_frames, 0);
	if (n >= 0)
		n = read_at("/proc/kpageflags", after, size, first_pfn * sizeof(*after));
	memset(audit, 0, sizeof(*audit));
	for (i = 0; n >= 0 && i < nr_frames; i++) {
		uint64_t flags = before[i] & after[i];
		bool used = flags & USED, is_free = flags & IS_FREE, wrong;

		if (before[i] & 1ull << KPF_NOPAGE)
			continue;
		wrong = (used && states[i] == GPU_DMA_CHECK_FREED) ||
			(is_free && states[i] == GPU_DMA_CHECK_ALLOCATED);
		suspects[i] = wrong && (first || suspects[i]);
		audit->used += used;
		audit->free += is_free;
		audit->freed += states[i] == GPU_DMA_CHECK_FREED;
		audit->used_freed += suspects[i] && used;
		audit->free_allocated += suspects[i] && !used;
	}
	free(before);
	free(after);
	free(states);
	return n < 0 ? n : 0;
}

int frame_map_audit(struct frame_audit *audit)
{
	uint8_t *suspects = calloc(nr_frames, 1);
	int look, ret = suspects ? 0 : -ENOMEM;

	for (look = 0; !ret && look < LOOKS; look++) {
		ret = audit_once(audit, suspects, !look);
		if (!audit->used_freed && !audit->free_allocated)
			break;
	}
	free(suspects);
	return ret;
}

int frame_map_read_ring(void)
{
	int ret = read_blob("ring", &ring, &ring_size);

	return ret ? ret : read_blob("symbols", &symbols, &symbols_size);
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static const char *symbol_of(uint64_t address)
{
	const uint8_t *p;

	for (p = symbols; p < symbols + symbols_size; p += GPU_DMA_CHECK_SYMBOL_SIZE)
		if (get64(p + GPU_DMA_CHECK_SYMBOL_ADDRESS) == address)
			return (const char *)p + GPU_DMA_CHECK_SYMBOL_TEXT;
	return "";
}

static const uint8_t *record_of(uint64_t pfn)
{
	const uint8_t *p, *found = NULL;

	for (p = ring; p < ring + ring_size; p += GPU_DMA_CHECK_RECORD_SIZE) {
		uint64_t first = get64(p + GPU_DMA_CHECK_RECORD_PFN);

		if (!get64(p + GPU_DMA_CHECK_RECORD_SEQ) ||
		    pfn - first >= 1ull << p[GPU_DMA_CHECK_RECORD_ORDER])
			continue;
		if (!found || get64(p + GPU_DMA_CHECK_RECORD_SEQ) >
			      get64(found + GPU_DMA_CHECK_RECORD_SEQ))
			found = p;
	}
	return found;
}

int frame_map_freed_by(uint64_t pfn, int pid, const char *comm, const char *function)
{
	const uint8_t *record = record_of(pfn);
	uint32_t freed_by;
	int i;

	if (!record)
		return -ENOENT;
	memcpy(&freed_by, record + GPU_DMA_CHECK_RECORD_PID, sizeof(freed_by));
	if ((int)freed_by != pid || strcmp((const char *)record + GPU_DMA_CHECK_RECORD_COMM, comm))
		return 0;
	for (i = 0; i < record[GPU_DMA_CHECK_RECORD_DEPTH]; i++)
		if (strstr(symbol_of(get64(record + GPU_DMA_CHECK_RECORD_STACK + 8 * i)), function))
			return 1;
	return 0;
}
