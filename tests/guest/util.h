/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small helpers shared by the guest's init and its test programs: files of
 * one value, time, pseudo-random numbers.
 *
 * Functions return 0 or a length on success and -errno on failure.
 */
#ifndef GUEST_UTIL_H
#define GUEST_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define KIB 1024ul
#define MIB (1024ul * KIB)

#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))

/*
 * Read a file of one value. The result ends in NUL and has no newline at its
 * end; what does not fit is dropped. Returns the length.
 */
int read_file(char *buf, size_t size, const char *path, ...) __printf(3, 4);

/* Read a whole file, of any length, into memory the caller frees; NULL and errno. */
char *read_all(const char *path);

/* Read a file that holds one number, in any base that strtoll() knows. */
int read_number(long long *value, const char *path, ...) __printf(2, 3);

/* Write a value to an existing file with one write(), as sysfs wants it. */
int write_file(const char *path, const char *fmt, ...) __printf(2, 3);

bool path_exists(const char *fmt, ...) __printf(1, 2);

/* An extended regular expression matches some of a text: 1, 0, or -EINVAL if it is none. */
int text_matches(const char *text, const char *regex);

/* The kernel or a module has a function of this name. Takes a while. */
bool kernel_has(const char *function);

/* Seconds of CLOCK_MONOTONIC: for intervals. */
double now(void);

/* Seconds since power-on as the kernel's log counts them, suspend included. */
double uptime(void);

/* The machine's own clock, which is the device's, too: by it the device tells what happened. */
uint64_t machine_ns(void);

void sleep_ms(unsigned int ms);

/* A task waits for something that no signal ends (state D), such as a lock. */
bool task_blocked(pid_t pid);

/* A child is over; it is still to be waited for. */
bool task_ended(pid_t pid);

/* Run on CPU 0 only; if `first`, before all others there: the kernel's works, other tasks. */
int task_pin(bool first);

/* Write one line to the kernel's log. Level is the syslog priority, 4 = warning. */
int kmsg(int level, const char *fmt, ...) __printf(2, 3);

/* The name of a signal, "SIGSEGV". */
const char *signal_name(int sig);

/*
 * A number spread over 64 bits by the finaliser of SplitMix64. Counting up the
 * argument gives a pseudo-random sequence, so a value can be found again from
 * its place alone.
 */
static inline uint64_t mix64(uint64_t x)
{
	x += 0x9e3779b97f4a7c15ull;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
	return x ^ (x >> 31);
}

/* FNV-1a: turns a test's name into a number that belongs to it. */
uint64_t hash_string(const char *s);

#endif
