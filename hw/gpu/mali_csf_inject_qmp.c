/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: QMP commands for rules (qapi/mali-csf.json)
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-mali-csf.h"
#include "qapi/qapi-events-mali-csf.h"
#include "mali_csf_internal.h"

MaliCsfRuleName *qmp_x_mali_csf_inject_add(const char *rule,
                                           const char *qom_path, Error **errp)
{
    MaliCsfState *s = mali_qmp_device(qom_path, errp);
    g_autofree char *why = NULL;
    const MaliInjectRule *r;
    MaliCsfRuleName *added;

    if (!s) {
        return NULL;
    }
    r = mali_inject_add(&s->inject, rule, &why);
    if (!r) {
        error_setg(errp, "'%s': %s", rule, why);
        return NULL;
    }
    added = g_new0(MaliCsfRuleName, 1);
    added->name = g_strdup(r->name);
    return added;
}

void qmp_x_mali_csf_inject_remove(const char *name, const char *qom_path,
                                  Error **errp)
{
    MaliCsfState *s = mali_qmp_device(qom_path, errp);

    if (s && !mali_inject_remove(&s->inject, name)) {
        error_setg(errp, "There is no rule '%s'", name);
    }
}

MaliCsfRuleList *qmp_x_mali_csf_inject_list(const char *qom_path, Error **errp)
{
    MaliCsfState *s = mali_qmp_device(qom_path, errp);
    MaliCsfRuleList *list = NULL, **tail = &list;

    for (unsigned i = 0; s && i < s->inject.rules->len; i++) {
        const MaliInjectRule *r = g_ptr_array_index(s->inject.rules, i);
        MaliCsfRule *rule = g_new0(MaliCsfRule, 1);

        rule->name = g_strdup(r->name);
        rule->rule = g_strdup(r->text);
        rule->matches = r->matches;
        rule->hits = r->hits;
        rule->optional = r->optional;
        QAPI_LIST_APPEND(tail, rule);
    }
    return list;
}

void mali_qmp_injected(MaliCsfState *s, const MaliDeed *deed)
{
    g_autofree char *path = object_get_canonical_path(OBJECT(s));
    const MaliInjectRule *r = mali_inject_find(&s->inject, deed->rule);
    bool snapshot = deed->act == MALI_ACT_SNAPSHOT;

    qapi_event_send_mali_csf_injected(path, deed->rule,
        snapshot ? MALI_CSF_INJECTED_ACTION_SNAPSHOT
                 : MALI_CSF_INJECTED_ACTION_PAUSE,
        snapshot && r ? r->file : NULL, deed->due);
}
