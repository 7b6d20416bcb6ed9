// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>

#include "gems.h"
#include "harness.h"

#define EACH_MS	10

bool gems_gone(const struct panthor *gpu, const char *label, double seconds)
{
	double deadline = now() + seconds;
	struct gem gem;

	while (panthor_gem(gpu, label, &gem) != -ENOENT) {
		if (now() >= deadline)
			return false;
		sleep_ms(EACH_MS);
	}
	return true;
}

size_t gems_size(const struct panthor *gpu)
{
	struct gem_totals totals;

	CHECK_OK(panthor_gem_totals(gpu, &totals));
	return totals.size;
}

void gems_check_freed(const struct panthor *gpu, size_t before)
{
	double deadline = now() + GEMS_FREED_S;
	size_t after;

	while ((after = gems_size(gpu)) > before && now() < deadline)
		sleep_ms(EACH_MS);
	EXPECT(after <= before, "buffers of %zu bytes before, of %zu after", before, after);
}
