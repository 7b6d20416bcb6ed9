// SPDX-License-Identifier: GPL-2.0-or-later

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client.h"
#include "harness.h"
#include "host.h"
#include "klog.h"
#include "load.h"

/* Where the kernel looks for firmware first (drivers/base/firmware_loader/main.c) */
#define SEARCH_PATH	"/sys/module/firmware_class/parameters/path"
#define OWN_FIRMWARE	"/tmp/firmware"
#define FIRMWARE	"/lib/firmware"
#define HIDDEN		"/lib/firmware-hidden"
#define SUBDIR		"arm/mali"

static const char device_gone[] = "probe with driver panthor failed with error -[0-9]+";

/* What every test says in the log when a probe fails, and that alone */
static void expect_log(const struct load_case *l)
{
	if (l->error)
		test_allow(device_gone);
	if (l->says)
		test_allow(l->says);
	if (l->may)
		test_allow(l->may);
}

static bool said(struct klog *log, const char *regex)
{
	struct klog_record record;
	bool found = false;

	while (klog_read(log, &record))
		found |= CHECK_OK(text_matches(record.text, regex));
	return found;
}

static void make_directories(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		CHECK(!mkdir(path, 0755) || errno == EEXIST, "%s: %m", path);
		*p = '/';
	}
}

/* For each GPU that there is a file for: it goes before that one. */
static void write_firmware(const struct load_case *l)
{
	DIR *archs = opendir(FIRMWARE "/" SUBDIR);
	uint8_t image[IMAGE_SIZE];
	size_t size = load_image(l, image);
	struct dirent *arch;
	char path[512];

	CHECK(archs, FIRMWARE "/" SUBDIR ": %m");
	while ((arch = readdir(archs))) {
		int fd;

		if (arch->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), OWN_FIRMWARE "/" SUBDIR "/%s/mali_csffw.bin",
			 arch->d_name);
		make_directories(path);
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		CHECK(fd >= 0, "%s: %m", path);
		CHECK(write(fd, image, size) == (ssize_t)size, "%s: %m", path);
		close(fd);
	}
	closedir(archs);
	CHECK_OK(tunable_set(SEARCH_PATH, OWN_FIRMWARE));
}

/* The GPU has its driver, also after a test that failed. */
static void take(struct panthor *gpu)
{
	static char device[64];
	int ret = panthor_find(gpu);

	if (!ret) {
		snprintf(device, sizeof(device), "%s", gpu->device);
		return;
	}
	CHECK(device[0], "there is no GPU: %s", strerror(-ret));
	CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/bind", "%s", device));
	CHECK_OK(panthor_find(gpu));
}

/* With all as it should be: the driver takes the GPU, and a job runs. */
static void check_works(void)
{
	struct client c = { 0 };

	client_open(&c, 1);
	RUN(&c, 0);
	EXPECT_EQ(syncobj_status(&c.gpu, c.done), 0);
	client_close(&c);
}

static int bind(const char *device)
{
	return write_file(PANTHOR_DRIVER_DIR "/bind", "%s", device);
}

static void check_bind(const struct load_case *l, const char *device)
{
	struct klog log;
	int ret;

	CHECK_OK(klog_open(&log, true));
	ret = bind(device);
	EXPECT(l->error ? ret == -l->error : ret >= 0,
	       "%s() has it end with %d, the binding ended with %d", l->by, -l->error, ret);
	if (l->says)
		EXPECT(said(&log, l->says), "%s() did not say \"%s\"", l->by, l->says);
	klog_close(&log);
	if (ret < 0)
		return;
	check_works();
	CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/unbind", "%s", device));
}

static void test_load(const void *arg)
{
	const struct load_case *l = arg;
	char *rules[MAX_LOAD_RULES];
	struct panthor gpu;
	size_t nr = 0;

	expect_log(l);
	if (l->rules[0])
		host_need();
	take(&gpu);
	CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/unbind", "%s", gpu.device));
	if (!l->rules[0])
		write_firmware(l);
	for (; nr < MAX_LOAD_RULES && l->rules[nr]; nr++)
		rules[nr] = inject("%s", l->rules[nr]);
	check_bind(l, gpu.device);
	while (nr)
		inject_remove(rules[--nr]);
	if (!l->rules[0])
		CHECK_OK(write_file(SEARCH_PATH, "%s", FIRMWARE));
	CHECK_OK(bind(gpu.device));
	check_works();
}

static void test_no_file(const void *arg)
{
	static const struct load_case missing = {
		.name = "missing", .error = ENOENT, .by = "panthor_fw_load",
		.says = "Failed to load firmware image 'mali_csffw.bin'",
		.may = "Direct firmware load for .* failed with error -2",
	};
	struct panthor gpu;

	(void)arg;
	expect_log(&missing);
	take(&gpu);
	CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/unbind", "%s", gpu.device));
	CHECK(!rename(FIRMWARE, HIDDEN), "rename: %m");
	check_bind(&missing, gpu.device);
	CHECK(!rename(HIDDEN, FIRMWARE), "rename: %m");
	CHECK_OK(bind(gpu.device));
	check_works();
}

/* Taken away while it is down, and it does not come up for that */
static void test_dead(const void *arg)
{
	struct client c = { 0 };
	char *rule;

	(void)arg;
	host_need();
	/* panthor_device_unplug(): drm_WARN_ON(pm_runtime_get_sync() < 0) */
	test_allow("WARNING|drm_WARN_ON|panthor_device_unplug");
	test_allow("Failed to boot MCU|FW (fast|slow) reset failed|Fast reset failed");
	client_open(&c, 1);
	RUN(&c, 0);
	client_wait_suspended(&c);
	rule = inject("mcu-boot -> fail");
	CHECK_OK(write_file(PANTHOR_DRIVER_DIR "/unbind", "%s", c.gpu.device));
	EXPECT(inject_hits(rule), "the MCU was not started");
	inject_remove(rule);
	bo_munmap(&c.code);
	bo_munmap(&c.data);
	panthor_close(&c.gpu);
	CHECK_OK(bind(c.gpu.device));
	check_works();
}

static void add_table(struct suite *suite, struct test *tests, const struct load_table *table)
{
	static char names[128][64];
	static size_t nr_names;

	for (size_t i = 0; i < table->nr; i++) {
		char *name = names[nr_names++];

		snprintf(name, sizeof(names[0]), "%s.%s", table->what, table->cases[i].name);
		tests[suite->nr++] = (struct test) {
			.name = name,
			.description = table->cases[i].error ?
				       "the driver does not take the GPU, and says why" :
				       "the driver takes the GPU all the same",
			.fn = test_load, .arg = &table->cases[i],
		};
	}
}

static const struct test more[] = {
	{ "file.missing", "there is no firmware", test_no_file, NULL, 0 },
	{ "gpu.dead", "the driver is taken away from a GPU that does not come up", test_dead, NULL,
	  0 },
};

int main(int argc, char **argv)
{
	const struct load_table *tables[] = { &load_files, &load_registers, &load_interfaces };
	static struct test tests[128];
	struct suite suite = { .name = "load", .tests = tests };

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		add_table(&suite, tests, tables[i]);
	for (size_t i = 0; i < ARRAY_SIZE(more); i++)
		tests[suite.nr++] = more[i];
	return suite_main(&suite, argc, argv);
}
