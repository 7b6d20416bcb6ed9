/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Moving a machine with a Mali CSF GPU to another QEMU, through a file
 */

#ifndef TESTS_QTEST_MALI_CSF_MIGRATE_H
#define TESTS_QTEST_MALI_CSF_MIGRATE_H

#include "mali-csf-util.h"

/* The timestamp then counts ns: how the clock of a machine can be read */
#define CLOCK_PROPS             "timestamp-frequency=1000000000"

/* Wait until it has ended, and say how */
static inline char *wait_for_migration(QTestState *qts)
{
    for (;;) {
        QDict *rsp = qtest_qmp_assert_success_ref(qts,
            "{ 'execute': 'query-migrate' }");
        char *status = g_strdup(qdict_get_try_str(rsp, "status") ?: "none");

        qobject_unref(rsp);
        if (g_str_equal(status, "completed") || g_str_equal(status, "failed")) {
            return status;
        }
        g_free(status);
        g_usleep(1000);
    }
}

static inline char *gpu_save(QTestState *qts)
{
    g_autofree char *status = NULL;
    g_autofree char *uri = NULL;
    char *path;
    int fd = g_file_open_tmp("mali-csf-test-XXXXXX", &path, NULL);

    g_assert_cmpint(fd, !=, -1);
    close(fd);
    uri = g_strdup_printf("file:%s", path);
    qtest_qmp_assert_success(qts, "{ 'execute': 'migrate',"
                             "  'arguments': { 'uri': %s } }", uri);
    status = wait_for_migration(qts);
    g_assert_cmpstr(status, ==, "completed");
    return path;
}

/* How the stream of @path ends in a machine that expects one */
static inline char *gpu_load(QTestState *qts, const char *path)
{
    g_autofree char *uri = g_strdup_printf("file:%s", path);

    qtest_qmp_assert_success(qts, "{ 'execute': 'migrate-incoming',"
                             "  'arguments': { 'uri': %s,"
                             "                 'exit-on-error': false } }",
                             uri);
    return wait_for_migration(qts);
}

static inline QTestState *gpu_start_destination(const char *props,
                                                int64_t clock)
{
    QTestState *qts = gpu_start_args(props, "-incoming defer");

    gpu_watch_lines(qts);
    qtest_clock_set(qts, clock);
    return qts;
}

static inline QTestState *gpu_migrate(QTestState *from)
{
    QTestState *to = gpu_start_destination(CLOCK_PROPS,
                                           gpu_read64(from, TIMESTAMP));
    g_autofree char *path = gpu_save(from);
    g_autofree char *status = gpu_load(to, path);

    g_assert_cmpstr(status, ==, "completed");
    unlink(path);
    qtest_quit(from);
    return to;
}

#endif /* TESTS_QTEST_MALI_CSF_MIGRATE_H */
