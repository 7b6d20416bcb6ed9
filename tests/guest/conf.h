/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration of one run: /etc/mali-vm.conf, lines of key=value, put
 * into the initramfs by the host. A key may appear more than once.
 */
#ifndef GUEST_CONF_H
#define GUEST_CONF_H

#define CONF_PATH "/etc/mali-vm.conf"

/* What init finds out about the kernel, as a variable of the environment: see patience() */
#define PATIENCE "MALI_VM_PATIENCE"

/* Read the file; a missing one leaves the configuration empty. */
void conf_load(const char *path);

/* The n-th value of a key, counted from 0, or NULL. */
const char *conf_nth(const char *key, unsigned int n);

/* The last value of a key, or what is given instead. */
const char *conf_get(const char *key, const char *otherwise);
unsigned long long conf_number(const char *key, unsigned long long otherwise);

/* 1, on, yes and true; anything else that is there is false. */
int conf_bool(const char *key, int otherwise);

#endif
