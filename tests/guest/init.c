// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's first process: brings up the file systems, the devices and swap,
 * then either runs test suites and powers off, or gives a shell.
 *
 * What the host has to read goes to the second serial port: the suites' TAP,
 * one stream a suite, and comment lines of its own that begin with
 * "# mali-vm:". The last of them is "# mali-vm: done"; without it something
 * was cut off. Tests ask the host there, too (ask.h). The first serial port is the kernel's console and the shell's.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "ask.h"
#include "conf.h"
#include "coverage.h"
#include "klog.h"
#include "modules.h"
#include "record.h"
#include "swap.h"
#include "util.h"

#define CONSOLE_TTY "/dev/ttyAMA0"
#define TESTS_DIR "/tests"
#define DRIVER_DIR "/sys/bus/platform/drivers/panthor"
#define INITCALL_DEBUG "/sys/module/kernel/parameters/initcall_debug"

/* How long to wait for a probe that did not end while its module was loaded. */
#define PROBE_WAIT_S 10

/* How many tests of one suite can be asked for by name. */
#define MAX_NAMES 255

/* A name of a directory entry. */
#define NAME_SIZE 256

static int tap_fd = -1;

struct mount_point {
	const char *target;
	const char *type;
	const char *data;
};

/* What coldplug needs, then the rest. */
static const struct mount_point first_mounts[] = {
	{ "/proc", "proc", NULL },
	{ "/sys", "sysfs", NULL },
	{ "/dev", "devtmpfs", NULL },
};

static const struct mount_point more_mounts[] = {
	{ "/dev/pts", "devpts", "mode=0620" },
	{ "/tmp", "tmpfs", NULL },
	{ "/run", "tmpfs", NULL },
	{ "/sys/kernel/debug", "debugfs", NULL },
	{ "/sys/kernel/tracing", "tracefs", NULL },
	{ "/sys/fs/cgroup", "cgroup2", NULL },
};

static void mount_all(const struct mount_point *m, size_t nr)
{
	for (; nr--; m++) {
		mkdir(m->target, 0755);
		if (mount(m->type, m->target, m->type, 0, m->data) && errno != EBUSY)
			fprintf(stderr, "init: cannot mount %s: %s\n", m->target,
				strerror(errno));
	}
}

static void __printf(1, 2) tap(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdprintf(tap_fd, fmt, ap);
	va_end(ap);
}

/* The host reads this line's bytes as they are written: no echo, no added CRs. */
static void open_tap(void)
{
	struct termios tio;

	tap_fd = open(HOST_TTY, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (tap_fd < 0) {
		tap_fd = STDERR_FILENO;
		return;
	}
	if (!tcgetattr(tap_fd, &tio)) {
		cfmakeraw(&tio);
		tcsetattr(tap_fd, TCSANOW, &tio);
	}
}

static void open_console(void)
{
	int fd = open("/dev/console", O_RDWR);

	if (fd < 0)
		return;
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

/* The device the panthor driver is bound to, or an empty string. */
static void find_bound_device(char name[NAME_SIZE])
{
	DIR *d = opendir(DRIVER_DIR);
	struct dirent *e;

	name[0] = '\0';
	if (!d)
		return;
	while ((e = readdir(d)))
		/* Devices are the entries that lead to one; "module" has no subsystem. */
		if (path_exists(DRIVER_DIR "/%s/subsystem", e->d_name) &&
		    strcmp(e->d_name, "module") && e->d_name[0] != '.')
			snprintf(name, NAME_SIZE, "%s", e->d_name);
	closedir(d);
}

static bool render_node_exists(const char *device)
{
	char path[320];
	struct dirent *e;
	bool found = false;
	DIR *d;

	snprintf(path, sizeof(path), DRIVER_DIR "/%s/drm", device);
	d = opendir(path);
	if (!d)
		return false;
	while ((e = readdir(d)))
		found |= !strncmp(e->d_name, "renderD", 7) && path_exists("/dev/dri/%s", e->d_name);
	closedir(d);
	return found;
}

/* There is a device that panthor would take: some device's modalias names a Mali GPU with CSF. */
static bool gpu_exists(void)
{
	struct dirent *e;
	DIR *d = opendir("/sys/bus/platform/devices");
	char modalias[512];
	bool found = false;

	if (!d)
		return false;
	while (!found && (e = readdir(d)))
		found = read_file(modalias, sizeof(modalias),
				  "/sys/bus/platform/devices/%s/modalias", e->d_name) > 0 &&
			strstr(modalias, "arm,mali-valhall-csf");
	closedir(d);
	return found;
}

/*
 * The driver core's own measure of a probe: with initcall_debug set it logs
 * "probe of DEVICE with driver NAME returned N after N usecs" (drivers/base/dd.c,
 * really_probe_debug(); older kernels leave the driver out) at a level that the
 * console does not show.
 */
static double probe_milliseconds(struct klog *log, const char *device)
{
	struct klog_record record;
	char name[128], *end;
	double ms = -1;
	long usecs;
	int ret;

	while (klog_read(log, &record)) {
		end = strstr(record.text, " returned ");
		if (sscanf(record.text, "probe of %127s ", name) == 1 && !strcmp(name, device) &&
		    end && sscanf(end, " returned %d after %ld usecs", &ret, &usecs) == 2)
			ms = usecs / 1e3;
	}
	return ms;
}

/*
 * What a kernel says of itself at its start that looks for its own mistakes, and how much
 * longer it may take for everything than one that does not.
 */
static const struct {
	const char *says;
	unsigned int times;
} slow_kernels[] = {
	{ "kasan: KernelAddressSanitizer initialized", 3 },
	{ "Lock dependency validator", 2 },
	{ "kcsan: enabled", 4 },
};

static void set_patience(void)
{
	struct klog_record record;
	unsigned int times = 1;
	struct klog log;
	char text[16];

	if (klog_open(&log, false))
		return;
	while (klog_read(&log, &record))
		for (size_t i = 0; i < ARRAY_SIZE(slow_kernels); i++)
			if (strstr(record.text, slow_kernels[i].says))
				times *= slow_kernels[i].times;
	klog_close(&log);
	snprintf(text, sizeof(text), "%u", times);
	setenv(PATIENCE, text, 1);
}

/*
 * Before the driver, so that all it frees is known. Without the module, because
 * it could not be built or this kernel is not one for it, the run goes on.
 */
static void start_check(void)
{
	int ret;

	if (!strcmp(conf_get("check", "off"), "off") || !path_exists(CHECK_MODULE_FILE))
		return;
	ret = module_load_file(CHECK_MODULE_FILE);
	if (ret < 0)
		kmsg(4, "init: cannot load %s: %s", CHECK_MODULE_FILE, strerror(-ret));
}

/* Load drivers, wait for the GPU's node, and report how long it all took. */
static void bring_up_devices(double started)
{
	double begin = uptime(), coldplug, render = -1, probe = -1;
	struct klog log;
	bool logged = klog_open(&log, true) == 0;
	char device[NAME_SIZE];

	write_file(INITCALL_DEBUG, "1");
	modules_coldplug();
	coldplug = uptime() - begin;

	find_bound_device(device);
	if (!device[0] && gpu_exists()) {
		while (!device[0] && uptime() - begin < PROBE_WAIT_S) {
			sleep_ms(5);
			find_bound_device(device);
		}
	}
	if (device[0] && render_node_exists(device))
		render = uptime();
	write_file(INITCALL_DEBUG, "0");
	if (logged) {
		if (device[0])
			probe = probe_milliseconds(&log, device);
		klog_close(&log);
	}

	tap("# mali-vm: boot init=%.3f coldplug=%.3f", started, coldplug);
	if (render >= 0)
		tap(" render=%.3f", render);
	if (probe >= 0)
		tap(" probe_ms=%.3f", probe);
	tap("\n");
}

static void set_up_swap(void)
{
	unsigned long long mib = conf_number("swap", 0);
	int ret;

	if (!mib)
		return;
	ret = swap_set_up(mib * MIB);
	if (ret < 0)
		tap("# mali-vm: no swap: %s\n", strerror(-ret));
}

/* Run a program and wait for it, burying every orphan that ends meanwhile. */
static int run(char *const argv[], int out)
{
	int status = 0;
	pid_t pid = fork(), done;

	if (pid < 0)
		return -errno;
	if (!pid) {
		if (out >= 0)
			dup2(out, STDOUT_FILENO);
		execv(argv[0], argv);
		fprintf(stderr, "init: cannot run %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	do {
		done = wait(&status);
	} while (done != pid && (done > 0 || errno == EINTR));
	return status;
}

/* A suite that there is not: each of its tests fails, so that none is missing. */
static void report_missing(const char *suite, char *const names[])
{
	char *const whole[] = { (char *)suite, NULL };
	size_t i, n = 0;

	if (!*names)
		names = whole;
	while (names[n])
		n++;
	tap("TAP version 14\n1..%zu\n", n);
	for (i = 0; i < n; i++)
		tap("not ok %zu - %s\n  ---\n  seconds: 0\n  metrics: {}\n"
		    "  reason: \"there is no such test suite\"\n  log: []\n  ...\n",
		    i + 1, names[i]);
}

static void run_suite(const char *suite, char *const names[])
{
	char program[128];
	char *argv[MAX_NAMES + 2] = { program };
	size_t n = 1;
	int status;

	snprintf(program, sizeof(program), TESTS_DIR "/%s", suite);
	if (!path_exists("%s", program)) {
		report_missing(suite, names);
		return;
	}
	while (*names)
		argv[n++] = *names++;
	status = run(argv, tap_fd);
	/* A test that crashes is the suite's to report; this is the suite itself. */
	if (status > 0 && WIFSIGNALED(status))
		tap("Bail out! %s was killed by %s\n", suite, signal_name(WTERMSIG(status)));
	else if (status < 0 || WEXITSTATUS(status) > 1)
		tap("Bail out! %s ended with exit code %d\n", suite,
		    status < 0 ? status : WEXITSTATUS(status));
}

/* Run what test= asks for: each suite once, at the place of its first test. */
static void run_tests(void)
{
	char suite[64], *names[MAX_NAMES + 1];
	const char *name, *other;
	unsigned int i, j, n;

	for (i = 0; (name = conf_nth("test", i)); i++) {
		bool seen = false;
		size_t len;

		snprintf(suite, sizeof(suite), "%.*s", (int)strcspn(name, "."), name);
		len = strlen(suite) + 1;
		for (j = n = 0; (other = conf_nth("test", j)); j++) {
			if (strcspn(other, ".") != len - 1 || strncmp(other, suite, len - 1))
				continue;
			seen |= j < i;
			if (n < MAX_NAMES)
				names[n++] = (char *)other;
		}
		names[n] = NULL;
		if (!seen)
			run_suite(suite, names);
	}
}

static const char *find_busybox(void)
{
	return path_exists("/bin/busybox") ? "/bin/busybox" : "/usr/bin/busybox";
}

static void print_banner(void)
{
	printf("\nThe GPU's driver is panthor; this shell is busybox's. To try:\n"
	       "  cat /sys/kernel/debug/dri/0/gems               the buffers, and which are out\n"
	       "  echo 1000000 > /sys/kernel/debug/dri/0/shrink  evict all that can be\n"
	       "  " TESTS_DIR "/probe --list; " TESTS_DIR "/probe probe.query\n"
	       "  dmesg | grep panthor\n");
	if (conf_bool("share", 0))
		printf("The host's folder is at /host. ");
	printf("Leave with: exit, or poweroff\n\n");
	fflush(stdout);
}

static void mount_share(void)
{
	int ret;

	if (!conf_bool("share", 0))
		return;
	ret = module_load("9pnet_virtio");
	if (!ret)
		ret = module_load("9p");
	mkdir("/host", 0755);
	if (mount("host", "/host", "9p", 0, "trans=virtio,version=9p2000.L,msize=262144"))
		fprintf(stderr, "init: cannot mount the host's folder: %s\n",
			strerror(ret < 0 ? -ret : errno));
}

/* For the host, which looks what of it is there. */
static void save_coverage(void)
{
	int ret;

	if (!conf_bool("coverage", 0))
		return;
	ret = coverage_save("/host");
	if (ret < 0)
		tap("# mali-vm: no coverage: %s\n", strerror(-ret));
}

static void start_record(void)
{
	const char *why = record_start();

	if (why)
		tap("# mali-vm: no trace: %s\n", why);
}

/* halt, poweroff and reboot of busybox send their wish to init as a signal. */
static volatile sig_atomic_t asked_to_stop;

static void stop(int sig)
{
	(void)sig;
	asked_to_stop = 1;
}

static void listen_for_stop(void)
{
	struct sigaction action = { .sa_handler = stop };

	sigaction(SIGUSR1, &action, NULL);
	sigaction(SIGUSR2, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

/* A shell on the console, as a session of its own so that it has job control. */
static void run_shell(void)
{
	const char *busybox = find_busybox();
	char *const install[] = { (char *)busybox, "--install", "-s", NULL };
	char *const shell[] = { (char *)busybox, "sh", NULL };
	int fd;
	pid_t pid;

	mkdir("/bin", 0755);
	mkdir("/sbin", 0755);
	mkdir("/usr", 0755);
	mkdir("/usr/bin", 0755);
	mkdir("/usr/sbin", 0755);
	mkdir("/root", 0700);
	run(install, -1);
	listen_for_stop();

	pid = fork();
	if (!pid) {
		setsid();
		fd = open(CONSOLE_TTY, O_RDWR);
		if (fd >= 0) {
			ioctl(fd, TIOCSCTTY, 1);
			dup2(fd, STDIN_FILENO);
			dup2(fd, STDOUT_FILENO);
			dup2(fd, STDERR_FILENO);
		}
		setenv("PS1", "mali-vm:\\w# ", 1);
		setenv("HOME", "/root", 1);
		setenv("TERM", "linux", 0);
		if (chdir("/root"))
			perror("init: /root");
		print_banner();
		execv(shell[0], shell);
		_exit(127);
	}
	while (pid > 0 && !asked_to_stop && wait(NULL) != pid)
		;
}

int main(void)
{
	double started;

	mount_all(first_mounts, ARRAY_SIZE(first_mounts));
	open_console();
	open_tap();
	started = uptime();
	setenv("PATH", "/bin:/sbin:/usr/bin:/usr/sbin:" TESTS_DIR, 1);
	conf_load(CONF_PATH);
	set_patience();

	start_check();
	bring_up_devices(started);
	mount_all(more_mounts, ARRAY_SIZE(more_mounts));
	set_up_swap();
	mount_share();
	start_record();

	if (!strcmp(conf_get("mode", "run"), "shell"))
		run_shell();
	else
		run_tests();
	record_stop();
	save_coverage();

	tap("# mali-vm: done\n");
	tcdrain(tap_fd);
	reboot(RB_POWER_OFF);
	return 0;
}
