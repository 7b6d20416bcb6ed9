/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: who has the endpoints' resources
 *
 * REQ_RESOURCE says which of them a queue holds from then on.  Each is one
 * group's at a time: a queue that asks for what another group has is blocked.
 * What is known: the firmware gives them out by group, and two groups that each
 * have a part of what the other one needs must not happen (panthor_sched_init);
 * a queue may be evicted (the exceptions CS_RESOURCE_TERMINATED and
 * CSF_RESOURCE_EVICTION_TIMEOUT).
 *
 * So a queue gets all that it asks for or nothing, in the order of asking.  It
 * gives back what it holds when it has nothing to do, and, where others wait,
 * after a time that grows with its group's priority.  What it was given back
 * for, it asks for again before its next instruction.
 */

#include "qemu/osdep.h"
#include "qemu/timer.h"
#include "mali_csf_internal.h"
#include "trace.h"

#define MALI_RESOURCES          MAKE_64BIT_MASK(0, 5)

/* REQ_RESOURCE's flags, and in bits of endpoint_req what a group has of them */
static const struct {
    uint8_t shift;
    uint8_t length;
} mali_resource_endpoints[] = {
    { CSG_EP_COMPUTE_SHIFT, 8 },    /* compute */
    { CSG_EP_FRAGMENT_SHIFT, 8 },   /* fragment */
    { CSG_EP_TILER_SHIFT, 4 },      /* tiler */
    { CSG_EP_TILER_SHIFT, 4 },      /* IDVS */
    { CSG_EP_COMPUTE_SHIFT, 8 },    /* ray tracing */
};

bool mali_resource_exists(const MaliCsg *g, uint8_t wanted)
{
    for (int i = 0; i < ARRAY_SIZE(mali_resource_endpoints); i++) {
        if (wanted & BIT(i) &&
            !extract32(g->endpoint_req, mali_resource_endpoints[i].shift,
                       mali_resource_endpoints[i].length)) {
            return false;
        }
    }
    return true;
}

/* Out of tiler memory looks the same, but is another thing to wait for */
static bool mali_resource_waits(const MaliCs *c)
{
    return c->state == MALI_CS_RUNNING &&
           c->blocked == MALI_CS_BLOCKED_RESOURCE &&
           c->oom != MALI_OOM_ASKED && c->oom != MALI_OOM_WAITING &&
           c->resources & ~c->held;
}

/*
 * What other groups hold, and what they wait for: as of the end of the slice
 * before, with what they got since.  Looking at each queue would make an
 * instruction expensive.
 */
static void mali_resource_others(const MaliCsfState *s, unsigned csg,
                                 uint8_t *held, uint8_t *wanted)
{
    *held = 0;
    *wanted = 0;
    for (int i = 0; i < s->csg_slots; i++) {
        if (i != csg && s->csg[i].running) {
            *held |= s->csg[i].held;
            *wanted |= s->csg[i].wanted;
        }
    }
}

static void mali_resource_give(MaliCsfState *s, unsigned csg, unsigned cs,
                               int64_t now)
{
    MaliCs *c = &s->csg[csg].cs[cs];

    c->held = c->resources;
    c->resource_since = now;
    s->csg[csg].held |= c->held;
    trace_mali_csf_resource_give(csg, cs, c->held);
}

static void mali_resource_wait(MaliCsfState *s, unsigned csg, unsigned cs,
                               int64_t now)
{
    MaliCs *c = &s->csg[csg].cs[cs];

    c->blocked = MALI_CS_BLOCKED_RESOURCE;
    c->resource_since = now;
    s->csg[csg].wanted |= c->resources;
    trace_mali_csf_resource_wait(csg, cs, c->resources, c->held);
}

bool mali_resource_take(MaliCsfState *s, unsigned csg, unsigned cs)
{
    MaliCs *c = &s->csg[csg].cs[cs];
    int64_t now = qemu_clock_get_ns(QEMU_CLOCK_VIRTUAL);
    uint8_t held, wanted;

    mali_resource_others(s, csg, &held, &wanted);
    if (c->resources & (held | wanted)) {
        mali_resource_wait(s, csg, cs, now);
        return false;
    }
    mali_resource_give(s, csg, cs, now);
    return true;
}

/* --- Taking back --- */

static bool mali_resource_unused(const MaliCs *c)
{
    return c->state != MALI_CS_RUNNING ||
           (!c->n_ops && (c->blocked != MALI_CS_UNBLOCKED ||
                          (!c->depth && c->extract == c->insert)));
}

/* Its time is over: it begins nothing new, and gives back when all is done */
static void mali_resource_expire(MaliCsfState *s, unsigned csg, unsigned cs,
                                 int64_t now)
{
    const MaliCs *c = &s->csg[csg].cs[cs];
    int64_t slice = s->timing.resource_slice;
    uint8_t held, wanted;

    if (c->blocked != MALI_CS_UNBLOCKED && c->blocked != MALI_CS_BLOCKED_SB &&
        c->blocked != MALI_CS_BLOCKED_DEFERRED) {
        return;
    }
    mali_resource_others(s, csg, &held, &wanted);
    if (c->held & wanted && now - c->resource_since >=
                            slice * (mali_csg_priority(&s->csg[csg]) + 1)) {
        mali_resource_wait(s, csg, cs, now);
    }
}

/* --- Passing on --- */

typedef struct MaliResourceWaiter {
    int64_t since;
    uint8_t csg;
    uint8_t cs;
} MaliResourceWaiter;

static int mali_resource_older(const void *a, const void *b)
{
    const MaliResourceWaiter *x = a, *y = b;

    return x->since < y->since ? -1 : x->since > y->since;
}

/* The oldest first; nobody overtakes who waits for the same */
static void mali_resource_pass_on(MaliCsfState *s, MaliResourceWaiter *waiters,
                                  int n, int64_t now)
{
    uint8_t reserved = 0;

    qsort(waiters, n, sizeof(*waiters), mali_resource_older);
    for (int i = 0; i < n && reserved != MALI_RESOURCES; i++) {
        unsigned csg = waiters[i].csg, cs = waiters[i].cs;
        MaliCs *c = &s->csg[csg].cs[cs];
        uint8_t held, wanted;

        mali_resource_others(s, csg, &held, &wanted);
        if (c->resources & (held | reserved)) {
            reserved |= c->resources;
        } else {
            mali_resource_give(s, csg, cs, now);
            c->blocked = MALI_CS_UNBLOCKED;
        }
    }
}

/* Returns how many wait, of whom @waiters has room for all */
static int mali_resource_look(MaliCsfState *s, MaliResourceWaiter *waiters)
{
    int n = 0;

    for (int i = 0; i < s->csg_slots; i++) {
        MaliCsg *g = &s->csg[i];

        g->held = 0;
        g->wanted = 0;
        for (int j = 0; j < s->cs_slots && g->running; j++) {
            MaliCs *c = &g->cs[j];

            if (c->held && mali_resource_unused(c)) {
                c->held = 0;
            }
            g->held |= c->held;
            if (mali_resource_waits(c)) {
                g->wanted |= c->resources;
                waiters[n++] = (MaliResourceWaiter) { c->resource_since, i, j };
            }
        }
    }
    return n;
}

void mali_resource_schedule(MaliCsfState *s, int64_t now)
{
    MaliResourceWaiter waiters[MALI_MAX_CSG * MALI_MAX_CS];

    if (!mali_resource_look(s, waiters)) {
        return;
    }
    for (int i = 0; i < s->csg_slots; i++) {
        for (int j = 0; j < s->cs_slots && s->csg[i].running; j++) {
            if (s->csg[i].cs[j].held) {
                mali_resource_expire(s, i, j, now);
            }
        }
    }
    mali_resource_pass_on(s, waiters, mali_resource_look(s, waiters), now);
}
