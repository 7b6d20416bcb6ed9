// SPDX-License-Identifier: GPL-2.0-or-later

#include <errno.h>
#include <fcntl.h>
#include <regex.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util.h"

static int vread_file(char *buf, size_t size, const char *fmt, va_list ap)
{
	char path[256];
	ssize_t len;
	size_t done = 0;
	int fd, err = 0;

	vsnprintf(path, sizeof(path), fmt, ap);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	while (done < size - 1) {
		len = read(fd, buf + done, size - 1 - done);
		if (len < 0)
			err = -errno;
		if (len <= 0)
			break;
		done += len;
	}
	close(fd);
	if (err)
		return err;
	while (done && buf[done - 1] == '\n')
		done--;
	buf[done] = '\0';
	return done;
}

int read_file(char *buf, size_t size, const char *path, ...)
{
	va_list ap;
	int ret;

	va_start(ap, path);
	ret = vread_file(buf, size, path, ap);
	va_end(ap);
	return ret;
}

char *read_all(const char *path)
{
	size_t size = 16 * KIB, done = 0;
	char *buf = malloc(size), *bigger;
	ssize_t len = 0;
	int fd, err;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !buf)
		goto fail;
	while ((len = read(fd, buf + done, size - 1 - done)) > 0) {
		done += len;
		if (done < size - 1)
			continue;
		size *= 2;
		bigger = realloc(buf, size);
		if (!bigger)
			goto fail;
		buf = bigger;
	}
	if (len < 0)
		goto fail;
	close(fd);
	buf[done] = '\0';
	return buf;

fail:
	err = errno;
	if (fd >= 0)
		close(fd);
	free(buf);
	errno = err;
	return NULL;
}

int read_number(long long *value, const char *path, ...)
{
	char buf[64], *end;
	va_list ap;
	int ret;

	va_start(ap, path);
	ret = vread_file(buf, sizeof(buf), path, ap);
	va_end(ap);
	if (ret < 0)
		return ret;
	*value = strtoll(buf, &end, 0);
	return end == buf ? -EINVAL : 0;
}

int write_file(const char *path, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;
	int fd, len, ret = 0;

	va_start(ap, fmt);
	len = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	/* As a shell's '>' does: some of tracefs is emptied by the truncation. */
	fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, buf, len) != len)
		ret = -errno;
	close(fd);
	return ret;
}

bool path_exists(const char *fmt, ...)
{
	char path[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return access(path, F_OK) == 0;
}

static double clock_seconds(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

bool kernel_has(const char *function)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[512], name[256];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*s %*s %255s", name) == 1 && !strcmp(name, function);
	if (f)
		fclose(f);
	return found;
}

double now(void)
{
	return clock_seconds(CLOCK_MONOTONIC);
}

double uptime(void)
{
	return clock_seconds(CLOCK_BOOTTIME);
}

uint64_t machine_ns(void)
{
	uint64_t count = 0, hz = 1;

#ifdef __aarch64__
	__asm__ volatile("isb; mrs %0, cntvct_el0" : "=r"(count));
	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
#endif
	return (unsigned __int128)count * 1000000000u / hz;
}

void sleep_ms(unsigned int ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l };

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

int text_matches(const char *text, const char *regex)
{
	regex_t compiled;
	int ret;

	if (regcomp(&compiled, regex, REG_EXTENDED | REG_NOSUB))
		return -EINVAL;
	ret = !regexec(&compiled, text, 0, NULL, 0);
	regfree(&compiled);
	return ret;
}

bool task_blocked(pid_t pid)
{
	char text[256], state = 0;

	return read_file(text, sizeof(text), "/proc/%d/stat", pid) > 0 &&
	       sscanf(text, "%*d %*s %c", &state) == 1 && state == 'D';
}

bool task_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT) || info.si_pid;
}

int task_pin(bool first)
{
	const struct sched_param param = { .sched_priority = first };
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		return -errno;
	return sched_setscheduler(0, first ? SCHED_FIFO : SCHED_OTHER, &param) ? -errno : 0;
}

int kmsg(int level, const char *fmt, ...)
{
	char text[480];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/*
	 * Opened anew for each line: the kernel limits the rate of /dev/kmsg by
	 * open file, and a marker that gets lost is worse than the open().
	 */
	return write_file("/dev/kmsg", "<%d>%s\n", level, text);
}

const char *signal_name(int sig)
{
	static char name[32];
	const char *abbrev = sigabbrev_np(sig);

	if (abbrev)
		snprintf(name, sizeof(name), "SIG%s", abbrev);
	else
		snprintf(name, sizeof(name), "signal %d", sig);
	return name;
}

uint64_t hash_string(const char *s)
{
	uint64_t hash = 0xcbf29ce484222325ull;

	while (*s)
		hash = (hash ^ (unsigned char)*s++) * 0x100000001b3ull;
	return hash;
}
