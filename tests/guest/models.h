/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What DEV_QUERY must answer, a row a GPU model. Written from public facts (the
 * register dumps in Mesa's panfrost_noop.c and in boot logs of real boards, the
 * driver's own table of products) and not from the device's source, so that the
 * two can disagree.
 */
#ifndef GUEST_MODELS_H
#define GUEST_MODELS_H

#include <drm/panthor_drm.h>
#include <stddef.h>
#include <stdint.h>

struct gpu_model {
	const char *name;		/* of the device's option model= */
	const char *product;		/* as the driver logs it */
	struct drm_panthor_gpu_info info;
	/* The bits of info that are known for this model. */
	struct drm_panthor_gpu_info known;
	struct drm_panthor_csif_info csif;
	struct drm_panthor_csif_info csif_known;
};

/* A member of one of the structures, by name. */
struct query_field {
	const char *name;
	size_t offset;
	size_t size;
};

extern const struct query_field gpu_info_fields[];
extern const size_t nr_gpu_info_fields;
extern const struct query_field csif_info_fields[];
extern const size_t nr_csif_info_fields;

/*
 * The row for the run's model, corrected by the device options that the
 * configuration names. Returns 0, or -1 for a model without a row.
 */
int model_expected(struct gpu_model *expected);

#endif
