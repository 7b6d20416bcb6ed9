// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Suite probe: what the driver found out about the GPU, and that it can take the
 * GPU up and down as often as it likes.
 */

#include <drm/drm.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "conf.h"
#include "harness.h"
#include "klog.h"
#include "models.h"
#include "modules.h"
#include "need.h"
#include "panthor.h"
#include "probe.h"
#include "trace.h"

void open_gpu(struct panthor *gpu)
{
	CHECK_OK(panthor_open(gpu));
}

static void check_product(const struct gpu_model *expected)
{
	struct klog_record record;
	struct klog log;
	bool found = false;
	char text[64];

	snprintf(text, sizeof(text), "%s id 0x", expected->product);
	CHECK_OK(klog_open(&log, false));
	while (klog_read(&log, &record))
		found |= klog_is_panthor(&record) && strstr(record.text, text);
	klog_close(&log);
	EXPECT(found, "the driver's log does not name a %s", expected->product);
}

static uint64_t field_value(const void *data, const struct query_field *field)
{
	uint64_t value = 0;

	/* The guest is little-endian: a narrower field fills the low bytes. */
	memcpy(&value, (const char *)data + field->offset, field->size);
	return value;
}

static int compare_fields(const struct query_field *fields, size_t nr, const void *got,
			  const void *expected, const void *known)
{
	size_t i;
	int bits = 0;

	for (i = 0; i < nr; i++) {
		uint64_t mask = field_value(known, &fields[i]);
		uint64_t g = field_value(got, &fields[i]) & mask;
		uint64_t e = field_value(expected, &fields[i]) & mask;

		bits += __builtin_popcountll(mask);
		EXPECT(g == e, "%s: expected 0x%llx, got 0x%llx (bits 0x%llx compared)",
		       fields[i].name, (unsigned long long)e, (unsigned long long)g,
		       (unsigned long long)mask);
	}
	return bits;
}

/* Minor numbers of the driver's interface (panthor_drv.c) */
#define TIMESTAMP_FLAGS_SINCE	8
#define MMU_INFO_SINCE		9

static void test_query(const void *arg)
{
	struct drm_panthor_group_priorities_info priorities = { 0 };
	struct drm_panthor_gpu_info info = { 0 };
	struct drm_panthor_csif_info csif = { 0 };
	struct drm_panthor_mmu_info mmu = { 0 };
	struct gpu_model expected;
	struct panthor gpu;

	(void)arg;
	CHECK(!model_expected(&expected), "no table for model %s",
	      conf_get("device.model", "g610"));
	open_gpu(&gpu);
	need_version(&gpu, 2, "GROUP_PRIORITIES_INFO query");
	CHECK_OK(panthor_query(&gpu, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info, sizeof(info)));
	CHECK_OK(panthor_query(&gpu, DRM_PANTHOR_DEV_QUERY_CSIF_INFO, &csif, sizeof(csif)));
	CHECK_OK(panthor_query(&gpu, DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO, &priorities,
			       sizeof(priorities)));

	metric_string("model", expected.name);
	metric_int("bits_compared",
		   compare_fields(gpu_info_fields, nr_gpu_info_fields, &info, &expected.info,
				  &expected.known) +
		   compare_fields(csif_info_fields, nr_csif_info_fields, &csif, &expected.csif,
				  &expected.csif_known));
	check_product(&expected);

	/* True of any model. */
	EXPECT(info.as_present & 1, "AS 0, the firmware's, is not there: 0x%x", info.as_present);
	EXPECT(info.as_present > 1, "there is no AS for user space: 0x%x", info.as_present);
	EXPECT(info.thread_features, "thread_features is 0, which Mesa refuses");
	EXPECT(info.shader_present, "the GPU has no shader core");
	if (conf_number("device.shader-cores", 0))
		EXPECT_EQ(__builtin_popcountll(info.shader_present),
			  conf_number("device.shader-cores", 0));

	/* What the driver makes of it, and what root may do. */
	if (CHECK_OK(panthor_minor(&gpu)) >= MMU_INFO_SINCE) {
		CHECK_OK(panthor_query(&gpu, DRM_PANTHOR_DEV_QUERY_MMU_INFO, &mmu, sizeof(mmu)));
		EXPECT_EQ(mmu.page_size_bitmap, 4 * KIB | 2 * MIB);
	}
	EXPECT_EQ(priorities.allowed_mask, 1 << PANTHOR_GROUP_PRIORITY_LOW |
		  1 << PANTHOR_GROUP_PRIORITY_MEDIUM | 1 << PANTHOR_GROUP_PRIORITY_HIGH |
		  1 << PANTHOR_GROUP_PRIORITY_REALTIME);
	panthor_close(&gpu);
}

/* Kinds of DEV_QUERY, and the least size the driver accepts (PANTHOR_UOBJ_MIN_SIZE()). */
#define MIN_SIZE(type, last) (offsetof(type, last) + sizeof(((type *)0)->last))

static const struct query_kind {
	const char *name;
	uint32_t type;
	uint32_t size;
	uint32_t min_size;
	bool checks_tail;		/* input too: refuses unknown bytes that are not 0 */
	int since;			/* the driver knows it, at this size */
} query_kinds[] = {
	{ "GPU_INFO", DRM_PANTHOR_DEV_QUERY_GPU_INFO, sizeof(struct drm_panthor_gpu_info),
	  MIN_SIZE(struct drm_panthor_gpu_info, tiler_present), false, 0 },
	{ "CSIF_INFO", DRM_PANTHOR_DEV_QUERY_CSIF_INFO, sizeof(struct drm_panthor_csif_info),
	  MIN_SIZE(struct drm_panthor_csif_info, pad), false, 0 },
	{ "TIMESTAMP_INFO", DRM_PANTHOR_DEV_QUERY_TIMESTAMP_INFO,
	  sizeof(struct drm_panthor_timestamp_info),
	  MIN_SIZE(struct drm_panthor_timestamp_info, current_timestamp), true, TIMESTAMP_FLAGS_SINCE },
	{ "GROUP_PRIORITIES_INFO", DRM_PANTHOR_DEV_QUERY_GROUP_PRIORITIES_INFO,
	  sizeof(struct drm_panthor_group_priorities_info),
	  sizeof(struct drm_panthor_group_priorities_info), false, 0 },
	{ "MMU_INFO", DRM_PANTHOR_DEV_QUERY_MMU_INFO, sizeof(struct drm_panthor_mmu_info),
	  sizeof(struct drm_panthor_mmu_info), false, MMU_INFO_SINCE },
};

static void check_query_kind(const struct panthor *gpu, const struct query_kind *kind)
{
	uint8_t big[512];
	size_t i, tail = 0;

	test_log("%s", kind->name);
	EXPECT_EQ(panthor_query_size(gpu, kind->type), kind->size);
	EXPECT_ERRNO(panthor_query(gpu, kind->type, big, 0), EINVAL);
	EXPECT_ERRNO(panthor_query(gpu, kind->type, (void *)8, kind->size), EFAULT);
	memset(big, 0, sizeof(big));
	EXPECT_ERRNO(panthor_query(gpu, kind->type, big, kind->min_size - 1), EINVAL);
	EXPECT_EQ(panthor_query(gpu, kind->type, big, kind->min_size), 0);

	/* A newer user space: what the driver does not know comes back as 0. */
	memset(big, kind->checks_tail ? 0 : 0xa5, sizeof(big));
	EXPECT_EQ(panthor_query(gpu, kind->type, big, sizeof(big)), 0);
	for (i = kind->size; i < sizeof(big); i++)
		tail |= big[i];
	EXPECT_EQ(tail, 0);
	if (kind->checks_tail) {
		memset(big, 0, sizeof(big));
		big[sizeof(big) - 1] = 1;
		EXPECT_ERRNO(panthor_query(gpu, kind->type, big, sizeof(big)), E2BIG);
	}
}

static void test_query_errors(const void *arg)
{
	struct panthor gpu;
	uint8_t data[512] = { 0 };
	size_t i;
	int minor;

	(void)arg;
	open_gpu(&gpu);
	minor = CHECK_OK(panthor_minor(&gpu));
	if (!minor)
		test_skip("the driver's GPU_INFO is shorter: it is of version 1.0");
	for (i = 0; i < ARRAY_SIZE(query_kinds); i++)
		if (minor >= query_kinds[i].since)
			check_query_kind(&gpu, &query_kinds[i]);
		else
			test_log("%s: not as of interface 1.%d", query_kinds[i].name, minor);
	EXPECT_ERRNO(panthor_query(&gpu, 0x7fffffff, data, sizeof(data)), EINVAL);
	EXPECT_ERRNO(panthor_query_size(&gpu, 0x7fffffff), EINVAL);
	panthor_close(&gpu);
}

static void check_node(const char *path, const char *what)
{
	char name[32] = "", date[32], desc[64];
	struct drm_version version = {
		.name = name, .name_len = sizeof(name) - 1,
		.date = date, .date_len = sizeof(date),
		.desc = desc, .desc_len = sizeof(desc),
	};
	struct stat st;
	int fd;

	CHECK(!stat(path, &st), "%s: %s", path, strerror(errno));
	EXPECT(S_ISCHR(st.st_mode), "%s is not a character device", path);
	/* 226 is the DRM subsystem's number (include/drm/drm_file.h). */
	EXPECT_EQ(major(st.st_rdev), 226);
	fd = open(path, O_RDWR | O_CLOEXEC);
	CHECK(fd >= 0, "%s: %s", path, strerror(errno));
	CHECK(!ioctl(fd, DRM_IOCTL_VERSION, &version), "%s: %s", path, strerror(errno));
	EXPECT(!strcmp(name, "panthor"), "%s belongs to driver %s", path, name);
	EXPECT_EQ(version.version_major, 1);
	metric_string(what, path);
	metric_int("driver_minor_version", version.version_minor);
	close(fd);
}

static void test_nodes(const void *arg)
{
	struct panthor gpu;

	(void)arg;
	CHECK_OK(panthor_find(&gpu));
	metric_string("device", gpu.device);
	check_node(gpu.card, "card");
	check_node(gpu.render, "render");
	need_gems(&gpu);
	need_shrinker(&gpu);
}

/*
 * Whether a node is coherent is inherited: the nearest property on the way to
 * the root decides (drivers/of/address.c, of_dma_is_coherent()).
 */
static bool tree_says_coherent(const char *device)
{
	char path[512];

	snprintf(path, sizeof(path), "/sys/bus/platform/devices/%s/of_node", device);
	for (;;) {
		char up[512];

		if (path_exists("%s/dma-coherent", path))
			return true;
		if (path_exists("%s/dma-noncoherent", path))
			return false;
		if (!realpath(path, up) || !strcmp(strrchr(up, '/'), "/base"))
			return false;
		snprintf(path, sizeof(path), "%.500s/..", up);
	}
}

static void test_coherency(const void *arg)
{
	bool wanted = conf_bool("device.coherent", 1);
	struct drm_panthor_gpu_info info = { 0 };
	struct panthor gpu;

	(void)arg;
	open_gpu(&gpu);
	metric_string("coherent", wanted ? "on" : "off");
	EXPECT_EQ(tree_says_coherent(gpu.device), wanted);
	CHECK_OK(panthor_query(&gpu, DRM_PANTHOR_DEV_QUERY_GPU_INFO, &info, sizeof(info)));
	EXPECT_EQ(info.selected_coherency, wanted ? DRM_PANTHOR_GPU_COHERENCY_ACE_LITE :
						    DRM_PANTHOR_GPU_COHERENCY_NONE);
	if (wanted)
		EXPECT(info.coherency_features & 1u << DRM_PANTHOR_GPU_COHERENCY_ACE_LITE,
		       "ACE-Lite is selected but not a feature: 0x%x", info.coherency_features);
	panthor_close(&gpu);
}

/* Lines that the driver writes once at a good probe. */
static const char *const expected_lines[] = {
	"clock rate = ",
	" id 0x",
	"Features: L2:",
	"shader_present=0x",
	"Firmware git sha: ",
	"CSF FW using interface v",
};

static void test_log_clean(const void *arg)
{
	bool seen[ARRAY_SIZE(expected_lines)] = { false };
	struct klog_record record;
	struct klog log;
	bool begun = false;
	int lines = 0;
	size_t i;

	(void)arg;
	CHECK_OK(klog_open(&log, false));
	while (klog_read(&log, &record)) {
		if (!begun && record.sequence)
			test_skip("the kernel's log of the boot has been overwritten: run probe.log "
				  "by itself");
		begun = true;
		/* From power-on to the first test: what later ones provoke is theirs. */
		if (strstr(record.text, "mali-vm: begin "))
			break;
		if (!klog_is_panthor(&record))
			continue;
		lines++;
		test_log("%s", record.text);
		EXPECT(record.level > 4, "level %d: %s", record.level, record.text);
		EXPECT(!strstr(record.text, "error"), "%s", record.text);
		for (i = 0; i < ARRAY_SIZE(expected_lines); i++)
			seen[i] |= strstr(record.text, expected_lines[i]) != NULL;
	}
	klog_close(&log);
	for (i = 0; i < ARRAY_SIZE(expected_lines); i++)
		EXPECT(seen[i], "no line with \"%s\"", expected_lines[i]);
	metric_int("lines", lines);
}

static const struct test tests[] = {
	{ "query", "DEV_QUERY of every kind against the model's table", test_query, NULL, 0 },
	{ "query_errors", "DEV_QUERY with wrong sizes, pointers and kinds",
	  test_query_errors, NULL, 0 },
	{ "nodes", "card and render node, their driver, the debugfs files", test_nodes, NULL, 0 },
	{ "coherency", "device tree and driver agree with the coherent option",
	  test_coherency, NULL, 0 },
	{ "log", "the driver's log of the probe: complete, no warning, no error",
	  test_log_clean, NULL, 0 },
	{ "timestamps", "timestamp and cycle counter, their rate, every flag",
	  test_timestamps, NULL, 0 },
	{ "flush_id", "the LATEST_FLUSH_ID page, suspended and active", test_flush_id, NULL, 0 },
	{ "suspend", "100 runtime suspend and resume cycles", test_suspend, NULL, 0 },
	{ "power_events", "trace events of power while they are wanted, and no longer",
	  test_power_events, NULL, 0 },
	{ "awake", "30 s kept awake, the firmware's pings answered", test_awake, NULL, 0 },
	{ "rebind", "20 unbind and bind cycles through sysfs", test_rebind, NULL, 0 },
	{ "reload", "the module unloaded and loaded again", test_reload, NULL, 0 },
};

int main(int argc, char **argv)
{
	static const struct suite suite = {
		.name = "probe",
		.tests = tests,
		.nr = ARRAY_SIZE(tests),
	};

	return suite_main(&suite, argc, argv);
}
