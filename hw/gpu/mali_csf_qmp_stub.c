/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Arm Mali CSF GPU: QMP commands of a QEMU without the device
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qapi/qapi-commands-mali-csf.h"

static void *no_device(Error **errp)
{
    error_setg(errp, "This QEMU has no mali-csf devices");
    return NULL;
}

MaliCsfPeek *qmp_x_mali_csf_translate(uint32_t as, uint64_t va, bool has_access,
                                      MaliCsfAccess access,
                                      const char *qom_path, Error **errp)
{
    return no_device(errp);
}

MaliCsfMappings *qmp_x_mali_csf_mappings(uint32_t as, bool has_first,
                                         uint64_t first, bool has_limit,
                                         uint32_t limit, bool has_split,
                                         bool split, bool has_table,
                                         uint64_t table, const char *qom_path,
                                         Error **errp)
{
    return no_device(errp);
}

MaliCsfTlb *qmp_x_mali_csf_tlb(uint32_t as, bool has_first, uint64_t first,
                               bool has_limit, uint32_t limit,
                               const char *qom_path, Error **errp)
{
    return no_device(errp);
}

MaliCsfFindings *qmp_x_mali_csf_findings(const char *qom_path, Error **errp)
{
    return no_device(errp);
}

MaliCsfPeriods *qmp_x_mali_csf_periods(bool has_first, uint64_t first,
                                       bool has_limit, uint32_t limit,
                                       const char *qom_path, Error **errp)
{
    return no_device(errp);
}

MaliCsfRuleName *qmp_x_mali_csf_inject_add(const char *rule,
                                           const char *qom_path, Error **errp)
{
    return no_device(errp);
}

void qmp_x_mali_csf_inject_remove(const char *name, const char *qom_path,
                                  Error **errp)
{
    no_device(errp);
}

MaliCsfRuleList *qmp_x_mali_csf_inject_list(const char *qom_path, Error **errp)
{
    return no_device(errp);
}
