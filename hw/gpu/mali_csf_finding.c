/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: findings of the checker
 *
 * How they are told, kept and counted; mali_csf_check.c has the rules.
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/cutils.h"
#include "qemu/error-report.h"
#include "qemu/timer.h"
#include "system/runstate.h"
#include "mali_csf_internal.h"
#include "trace.h"

const MaliFindingInfo mali_finding_info[MALI_FINDING_KINDS] = {
    [MALI_FINDING_STALE_TRANSLATION] = {
        "stale-translation",
        "The TLB answered an access with what the page tables no longer say.",
    },
    [MALI_FINDING_EDIT_UNLOCKED] = {
        "edit-unlocked",
        "Page tables were changed before the region was locked.",
    },
    [MALI_FINDING_EDIT_UNCOVERED] = {
        "edit-uncovered",
        "Page tables were changed outside the region that was locked.",
    },
    [MALI_FINDING_UNLOCK_WITHOUT_LOCK] = {
        "unlock-without-lock",
        "UNLOCK was given where no region was locked.",
    },
    [MALI_FINDING_FLUSH_WITHOUT_LOCK] = {
        "flush-without-lock",
        "FLUSH_PT or FLUSH_MEM was given without a LOCK before or an UPDATE "
        "after it.",
    },
    [MALI_FINDING_COMMAND_WHILE_ACTIVE] = {
        "command-while-active",
        "A command was given while AS_STATUS said that another was active.",
    },
    [MALI_FINDING_BAD_LOCKADDR] = {
        "bad-lockaddr",
        "LOCK was given with a LOCKADDR that is no region.",
    },
    [MALI_FINDING_CONFIG_WITHOUT_UPDATE] = {
        "config-without-update",
        "TRANSTAB, TRANSCFG or MEMATTR was written, and no UPDATE followed.",
    },
    [MALI_FINDING_POWERED_OFF] = {
        "powered-off",
        "A block was used while the L2 cache was off.",
    },
    [MALI_FINDING_AS_DISABLED_IN_FLIGHT] = {
        "as-disabled-in-flight",
        "An address space was disabled while work was in flight on it.",
    },
    [MALI_FINDING_ACCESS_UNMAPPED] = {
        "access-unmapped",
        "An access was made through an address space that is disabled.",
    },
    [MALI_FINDING_ACCESS_AFTER_TERMINATE] = {
        "access-after-terminate",
        "Memory of a group was accessed after the group was terminated.",
    },
    [MALI_FINDING_TABLE_WRITABLE] = {
        "table-writable",
        "A page table lies in a page that the GPU may write to.",
    },
    [MALI_FINDING_FREED_PAGE] = {
        "freed-page",
        "A page was accessed that the kernel has freed.",
    },
};

static const char *const mali_check_modes[MALI_CHECK_MODES] = {
    [MALI_CHECK_OFF] = "off",
    [MALI_CHECK_REPORT] = "report",
    [MALI_CHECK_FATAL] = "fatal",
};

const char *mali_check_access_name(MaliAccess access)
{
    static const char *const names[] = {
        [MALI_ACCESS_ATOMIC] = "atomic access",
        [MALI_ACCESS_EXECUTE] = "execution",
        [MALI_ACCESS_READ] = "read",
        [MALI_ACCESS_WRITE] = "write",
    };

    return names[access];
}

const char *mali_check_command_name(unsigned command)
{
    static const char *const names[MALI_AS_COMMANDS] = {
        [AS_COMMAND_NOP] = "NOP",
        [AS_COMMAND_UPDATE] = "UPDATE",
        [AS_COMMAND_LOCK] = "LOCK",
        [AS_COMMAND_UNLOCK] = "UNLOCK",
        [AS_COMMAND_FLUSH_PT] = "FLUSH_PT",
        [AS_COMMAND_FLUSH_MEM] = "FLUSH_MEM",
    };

    return command < MALI_AS_COMMANDS ? names[command] : "unknown";
}

/* --- Text --- */

char *mali_check_seconds(int64_t ns)
{
    return g_strdup_printf("%lld.%09lld s", ns / NANOSECONDS_PER_SECOND,
                           ns % NANOSECONDS_PER_SECOND);
}

/* "AS 1, write of VA 0x8000 by group 0 queue 1 at 0x...: INSTRUCTION: " */
static void mali_finding_put_where(GString *text, const MaliFinding *f)
{
    if (f->as >= 0) {
        g_string_append_printf(text, "AS %d", f->as);
    }
    if (f->has_access) {
        g_string_append_printf(text, ", %s of VA 0x%" PRIx64 " by ",
                               mali_check_access_name(f->access), f->va);
    } else if (f->has_va) {
        g_string_append_printf(text, ", VA 0x%" PRIx64, f->va);
    }
    if (f->has_stream) {
        g_string_append_printf(text, "group %u queue %u at 0x%" PRIx64,
                               f->group, f->queue, f->pc);
        if (f->has_word) {
            g_string_append_printf(text, " (%s%s)",
                                   f->async ? "issued before: " : "",
                                   f->instruction);
        }
    } else if (f->has_access) {
        g_string_append(text, "the firmware");
    }
    if (text->len) {
        g_string_append(text, ": ");
    }
}

/* "; freed at 12.3 s of ... by kworker/0:1 (pid 23): CALLER < CALLER" */
static void mali_finding_put_freed(GString *text, const MaliFreed *freed)
{
    g_autofree char *when = mali_check_seconds(freed->when);

    g_string_append_printf(text, "; freed at %s of the guest's clock by %s "
                           "(pid %" PRIu32 ")", when, freed->comm, freed->pid);
    for (unsigned i = 0; i < freed->depth; i++) {
        g_string_append(text, i ? " < " : ": ");
        if (*freed->stack[i].symbol) {
            g_string_append(text, freed->stack[i].symbol);
        } else {
            g_string_append_printf(text, "0x%" PRIx64,
                                   freed->stack[i].address);
        }
    }
}

static void mali_finding_log(const MaliFinding *f)
{
    g_autofree char *when = mali_check_seconds(f->when);
    g_autoptr(GString) line = g_string_new("mali-csf: check: ");

    g_string_append_printf(line, "%s: at %s, %s",
                           mali_finding_info[f->kind].name, when, f->text);
    for (unsigned i = 0; i < f->n_commands; i++) {
        const MaliAsRecord *r = &f->commands[i];
        g_autofree char *given = mali_check_seconds(r->when);

        g_string_append_printf(line, "%s%s AS %u %s",
                               i ? ", " : "; the last AS commands were ",
                               given, r->as,
                               mali_check_command_name(r->command));
        if (r->command == AS_COMMAND_LOCK) {
            g_string_append_printf(line, " 0x%" PRIx64, r->lockaddr);
        }
    }
    warn_report("%s", line->str);
}

/* --- Filling one in --- */

static void mali_finding_place(MaliCsfState *s, MaliFinding *f,
                               const MaliCheckWhere *where)
{
    const MaliCheck *check = &s->check;

    f->as = where->as;
    f->has_va = where->has_va || where->has_access;
    f->va = where->va;
    f->has_access = where->has_access;
    f->access = where->access;
    f->source = where->source;
    f->has_stream = f->has_access && MALI_SOURCE_IS_CS(f->source);
    if (f->has_stream) {
        f->group = MALI_SOURCE_CSG(f->source);
        f->queue = MALI_SOURCE_QUEUE(f->source);
        f->pc = mali_cs_pc(&s->csg[f->group].cs[f->queue]);
        f->has_word = check->stream_source == f->source;
        f->async = check->stream_async;
        f->word = check->stream_word;
    }
}

static void mali_finding_describe(MaliCsfState *s, MaliFinding *f,
                                  const MaliCheckWhere *where, const char *msg)
{
    const MaliCheck *check = &s->check;
    g_autoptr(GString) text = g_string_new(NULL);

    f->when = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    if (f->has_word) {
        mali_cs_disasm(s->isa, f->word, f->pc, f->instruction,
                       sizeof(f->instruction));
    }
    pstrcpy(f->old, sizeof(f->old), where->old ?: "");
    pstrcpy(f->new, sizeof(f->new), where->new ?: "");
    mali_finding_put_where(text, f);
    g_string_append(text, msg);
    f->freed = where->who ? where->who(s, where->pa) : NULL;
    if (f->freed) {
        mali_finding_put_freed(text, f->freed);
    }
    f->text = g_string_free(g_steal_pointer(&text), false);

    f->n_commands = MIN(check->n_commands, MALI_CHECK_COMMANDS);
    for (unsigned i = 0; i < f->n_commands; i++) {
        f->commands[i] = check->commands[(check->n_commands - f->n_commands +
                                          i) % MALI_CHECK_COMMANDS];
    }
}

static void mali_finding_free(gpointer opaque)
{
    MaliFinding *f = opaque;

    g_free(f->text);
    g_free(f->freed);
    g_free(f);
}

/* The same mistake, seen once more */
static bool mali_finding_same(const MaliFinding *a, const MaliFinding *b)
{
    return a->kind == b->kind && a->as == b->as && a->has_va == b->has_va &&
           a->va >> 12 == b->va >> 12 && a->has_stream == b->has_stream &&
           a->pc == b->pc;
}

void mali_check_finding(MaliCsfState *s, MaliFindingKind kind,
                        const MaliCheckWhere *where, const char *fmt, ...)
{
    MaliCheck *check = &s->check;
    g_autofree char *msg = NULL;
    MaliFinding f = { .kind = kind, .count = 1 }, *kept;
    va_list ap;

    check->counters[kind]++;
    mali_finding_place(s, &f, where);
    for (unsigned i = 0; i < check->findings->len; i++) {
        kept = g_ptr_array_index(check->findings, i);
        if (mali_finding_same(kept, &f)) {
            kept->count++;
            trace_mali_csf_check_finding(mali_finding_info[kind].name,
                                         kept->count, kept->text);
            return;
        }
    }
    if (check->findings->len == MALI_FINDINGS_MAX) {
        return;
    }
    va_start(ap, fmt);
    msg = g_strdup_vprintf(fmt, ap);
    va_end(ap);
    mali_finding_describe(s, &f, where, msg);
    kept = g_memdup2(&f, sizeof(f));
    g_ptr_array_add(check->findings, kept);
    trace_mali_csf_check_finding(mali_finding_info[kind].name, kept->count,
                                 kept->text);
    mali_finding_log(kept);
    if (check->findings->len == MALI_FINDINGS_MAX) {
        warn_report("mali-csf: check: further findings are only counted");
    }
    if (check->notify) {
        check->notify(s, kept);
    }
    if (check->mode == MALI_CHECK_FATAL) {
        qemu_system_vmstop_request_prepare();
        qemu_system_vmstop_request(RUN_STATE_INTERNAL_ERROR);
    }
}

/* --- Property --- */

bool mali_check_parse(MaliCsfState *s, Error **errp)
{
    MaliCheck *check = &s->check;

    for (int i = 0; i < MALI_CHECK_MODES; i++) {
        if (!check->mode_text ||
            !strcmp(check->mode_text, mali_check_modes[i])) {
            check->mode = i;
            return true;
        }
    }
    error_setg(errp, "check='%s' is none of off, report and fatal",
               check->mode_text);
    return false;
}

void mali_check_init(MaliCsfState *s)
{
    s->check.findings = g_ptr_array_new_with_free_func(mali_finding_free);
}

void mali_check_finalize(MaliCsfState *s)
{
    g_ptr_array_unref(s->check.findings);
    s->check.findings = NULL;
}
