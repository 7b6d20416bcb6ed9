/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: deadlines on the virtual clock
 *
 * Whatever the hardware takes time for is an event with a due time.  There is
 * at most one of each kind, so that the queue is an array and one timer.
 */

#include "qemu/osdep.h"
#include "mali_csf_internal.h"
#include "trace.h"

typedef struct MaliEventInfo {
    const char *name;
    void (*handler)(MaliCsfState *s, MaliEvent ev);
} MaliEventInfo;

static const MaliEventInfo mali_events[MALI_EV_COUNT] = {
    [MALI_EV_FLUSH] = { "flush", mali_gpu_flush_done },
    [MALI_EV_RESET] = { "reset", mali_gpu_reset_done },
    [MALI_EV_POWER_SHADER] = { "power-shader", mali_gpu_power_done },
    [MALI_EV_POWER_TILER] = { "power-tiler", mali_gpu_power_done },
    [MALI_EV_POWER_L2] = { "power-l2", mali_gpu_power_done },
    [MALI_EV_MCU] = { "mcu", mali_fw_mcu_event },
    [MALI_EV_FW_REQUEST] = { "fw-request", mali_fw_request_event },
    [MALI_EV_RUN] = { "run", mali_sched_run_event },
    [MALI_EV_SYNC_POLL] = { "sync-poll", mali_sched_sync_poll_event },
    [MALI_EV_GLB_IDLE] = { "glb-idle", mali_sched_idle_event },
    [MALI_EV_INJECT] = { "inject", mali_inject_event },
    [MALI_EV_AS0 ... MALI_EV_COUNT - 1] = { "as", mali_mmu_command_done },
};

/* Follow the earliest deadline with the timer */
static void mali_event_update(MaliCsfState *s)
{
    int64_t next = MALI_EVENT_IDLE;

    for (int ev = 0; ev < MALI_EV_COUNT; ev++) {
        next = MIN(next, s->due[ev]);
    }
    if (next == s->next_due) {
        return;
    }
    s->next_due = next;
    if (next >= MALI_EVENT_NEVER) {
        timer_del(s->timer);
    } else {
        timer_mod(s->timer, next);
    }
}

void mali_event_arm(MaliCsfState *s, MaliEvent ev, uint64_t delay)
{
    /* At least 1 ns: an event that arms itself must not run in the same poll */
    mali_event_arm_at(s, ev, qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL) +
                             MAX(delay, 1));
}

void mali_event_arm_at(MaliCsfState *s, MaliEvent ev, int64_t due)
{
    s->due[ev] = due;
    s->stalled &= ~BIT_ULL(ev);
    trace_mali_csf_event_arm(mali_events[ev].name, ev, s->due[ev]);
    mali_event_update(s);
}

void mali_event_stall(MaliCsfState *s, MaliEvent ev, uint64_t delay)
{
    mali_event_arm(s, ev, MIN(delay, MALI_STALL_NS));
    s->stalled |= BIT_ULL(ev);
}

bool mali_event_stalled(const MaliCsfState *s, MaliEvent ev)
{
    return s->stalled & BIT_ULL(ev);
}

void mali_event_unstall(MaliCsfState *s)
{
    uint64_t stalled = s->stalled;

    for (; stalled; stalled &= stalled - 1) {
        mali_event_arm(s, ctz64(stalled), 1);
    }
}

void mali_event_cancel(MaliCsfState *s, MaliEvent ev)
{
    s->due[ev] = MALI_EVENT_IDLE;
    s->stalled &= ~BIT_ULL(ev);
    mali_event_update(s);
}

bool mali_event_pending(const MaliCsfState *s, MaliEvent ev)
{
    return s->due[ev] != MALI_EVENT_IDLE;
}

/* The earliest event due by @now, or MALI_EV_COUNT */
static MaliEvent mali_event_first(const MaliCsfState *s, int64_t now)
{
    MaliEvent first = MALI_EV_COUNT;

    for (int ev = 0; ev < MALI_EV_COUNT; ev++) {
        if (s->due[ev] <= now &&
            (first == MALI_EV_COUNT || s->due[ev] < s->due[first])) {
            first = ev;
        }
    }
    return first;
}

/*
 * Lines of a log have the host's time, if any; what follows this one begins
 * at this time of the machine's.
 */
void mali_event_trace_clock(void)
{
    if (trace_event_get_state_backends(TRACE_MALI_CSF_CLOCK)) {
        trace_mali_csf_clock(qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL));
    }
}

void mali_event_poll(MaliCsfState *s)
{
    int64_t now;
    MaliEvent ev;

    if (s->next_due >= MALI_EVENT_NEVER) {
        return;
    }
    now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    if (s->next_due > now) {
        return;
    }
    while ((ev = mali_event_first(s, now)) != MALI_EV_COUNT) {
        s->due[ev] = MALI_EVENT_IDLE;
        s->stalled &= ~BIT_ULL(ev);
        mali_event_trace_clock();
        trace_mali_csf_event_run(mali_events[ev].name, ev);
        mali_events[ev].handler(s, ev);
    }
    mali_event_update(s);
}

static void mali_event_timer(void *opaque)
{
    MaliCsfState *s = opaque;
    MemReentrancyGuard *guard = &DEVICE(s)->mem_reentrancy_guard;

    /*
     * Handlers access guest memory at addresses that the guest chose; what
     * hits our own registers must fail, as it does inside a register access.
     */
    guard->engaged_in_io = true;
    mali_event_poll(s);
    guard->engaged_in_io = false;
}

void mali_event_init(MaliCsfState *s)
{
    s->timer = timer_new_ns(QEMU_CLOCK_VIRTUAL, mali_event_timer, s);
    mali_event_reset(s);
}

void mali_event_finalize(MaliCsfState *s)
{
    timer_free(s->timer);
    s->timer = NULL;
}

void mali_event_reset(MaliCsfState *s)
{
    for (int ev = 0; ev < MALI_EV_COUNT; ev++) {
        s->due[ev] = MALI_EVENT_IDLE;
    }
    s->next_due = MALI_EVENT_IDLE;
    s->stalled = 0;
    timer_del(s->timer);
}

/*
 * The timer is not in the stream: the deadlines say when it fires.  Nor is what
 * waits for a lock, which looks again by itself.
 */
void mali_event_post_load(MaliCsfState *s)
{
    s->next_due = MALI_EVENT_IDLE;
    timer_del(s->timer);
    mali_event_update(s);
}
