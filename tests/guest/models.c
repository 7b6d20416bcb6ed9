// SPDX-License-Identifier: GPL-2.0-or-later

#include <string.h>

#include "conf.h"
#include "models.h"
#include "util.h"

#define FIELD(type, member) { #member, offsetof(type, member), sizeof(((type *)0)->member) }
#define GPU(member) FIELD(struct drm_panthor_gpu_info, member)
#define CSIF(member) FIELD(struct drm_panthor_csif_info, member)

const struct query_field gpu_info_fields[] = {
	GPU(gpu_id),
	GPU(gpu_rev),
	GPU(csf_id),
	GPU(l2_features),
	GPU(tiler_features),
	GPU(mem_features),
	GPU(mmu_features),
	GPU(thread_features),
	GPU(max_threads),
	GPU(thread_max_workgroup_size),
	GPU(thread_max_barrier_size),
	GPU(coherency_features),
	GPU(texture_features[0]),
	GPU(texture_features[1]),
	GPU(texture_features[2]),
	GPU(texture_features[3]),
	GPU(as_present),
	GPU(selected_coherency),
	GPU(shader_present),
	GPU(l2_present),
	GPU(tiler_present),
	GPU(core_features),
	GPU(pad),
	GPU(gpu_features),
};
const size_t nr_gpu_info_fields = ARRAY_SIZE(gpu_info_fields);

const struct query_field csif_info_fields[] = {
	CSIF(csg_slot_count),
	CSIF(cs_slot_count),
	CSIF(cs_reg_count),
	CSIF(scoreboard_slot_count),
	CSIF(unpreserved_cs_reg_count),
	CSIF(pad),
};
const size_t nr_csif_info_fields = ARRAY_SIZE(csif_info_fields);

/* Architecture major and product major: what the driver's table of products goes by. */
#define PRODUCT(arch, product) ((uint32_t)(arch) << 28 | (product) << 16)
#define PRODUCT_KNOWN 0xf00f0000u

/* Facts of every GPU of architecture 10 with the command stream interface of its firmware. */
#define ARCH10_CSIF {				\
		.csg_slot_count = 8,		\
		.cs_slot_count = 8,		\
		.cs_reg_count = 96,		\
		.scoreboard_slot_count = 8,	\
		.unpreserved_cs_reg_count = 4,	\
	}
#define ARCH10_CSIF_KNOWN {				\
		.cs_reg_count = ~0u,			\
		.scoreboard_slot_count = ~0u,		\
		.unpreserved_cs_reg_count = ~0u,	\
		.pad = ~0u,				\
	}

#define OTHER_ARCH10(name_, product_, number) {				\
		.name = name_,						\
		.product = product_,					\
		.info = {						\
			.gpu_id = PRODUCT(10, number),			\
			.l2_present = 1,				\
			.tiler_present = 1,				\
		},							\
		.known = {						\
			.gpu_id = PRODUCT_KNOWN,			\
			.l2_present = ~0ull,				\
			.tiler_present = ~0ull,				\
			.pad = ~0u,					\
			.gpu_features = ~0ull,				\
		},							\
		.csif = ARCH10_CSIF,					\
		.csif_known = ARCH10_CSIF_KNOWN,			\
	}

static const struct gpu_model models[] = {
	{
		.name = "g610",
		.product = "Mali-G610",
		.info = {
			.gpu_id = 0xa8670005,
			.gpu_rev = 0,
			.csf_id = 0x040a0412,
			.l2_features = 0x07120306,
			.tiler_features = 0x809,
			.mem_features = 0x301,
			.mmu_features = 0x2830,
			.thread_features = 0x04010000,
			.max_threads = 2048,
			.thread_max_workgroup_size = 1024,
			.thread_max_barrier_size = 1024,
			.texture_features = { 0xc1ffff9e },
			.as_present = 0xff,
			.shader_present = 0x50005,
			.l2_present = 1,
			.tiler_present = 1,
		},
		.known = {
			.gpu_id = ~0u,
			.gpu_rev = ~0u,
			.csf_id = ~0u,
			.l2_features = ~0u,
			.tiler_features = ~0u,
			.mem_features = ~0u,
			.mmu_features = ~0u,
			.thread_features = ~0u,
			.max_threads = ~0u,
			.thread_max_workgroup_size = ~0u,
			.thread_max_barrier_size = ~0u,
			.texture_features = { ~0u },
			.as_present = ~0u,
			.shader_present = ~0ull,
			.l2_present = ~0ull,
			.tiler_present = ~0ull,
			.pad = ~0u,
			.gpu_features = ~0ull,
		},
		.csif = ARCH10_CSIF,
		.csif_known = {
			.csg_slot_count = ~0u,
			.cs_slot_count = ~0u,
			.cs_reg_count = ~0u,
			.scoreboard_slot_count = ~0u,
			.unpreserved_cs_reg_count = ~0u,
			.pad = ~0u,
		},
	},
	OTHER_ARCH10("g310", "Mali-G310", 4),
	OTHER_ARCH10("g510", "Mali-G510", 3),
	OTHER_ARCH10("g710", "Mali-G710", 2),
};

/* The driver uses no more, one priority a slot (panthor_sched.c, MAX_CSG_PRIO + 1). */
#define MAX_CSG_SLOTS 16

/* Replace some bits of a 32-bit field by a device option, if there is one. */
static void set_bits(const char *key, uint32_t *value, uint32_t *known,
		     unsigned int shift, uint32_t mask)
{
	uint32_t option = conf_number(key, 0);

	/* 0 is the device's default: the model's own. */
	if (!option)
		return;
	*value = (*value & ~(mask << shift)) | (option & mask) << shift;
	*known |= mask << shift;
}

static void apply_options(struct gpu_model *m)
{
	unsigned int shader_cores = conf_number("device.shader-cores", 0);
	unsigned int as_count = conf_number("device.as-count", 0);

	set_bits("device.va-bits", &m->info.mmu_features, &m->known.mmu_features, 0, 0xff);
	set_bits("device.pa-bits", &m->info.mmu_features, &m->known.mmu_features, 8, 0xff);
	set_bits("device.csg-slots", &m->csif.csg_slot_count, &m->csif_known.csg_slot_count,
		 0, ~0u);
	if (m->csif.csg_slot_count > MAX_CSG_SLOTS)
		m->csif.csg_slot_count = MAX_CSG_SLOTS;
	set_bits("device.cs-slots", &m->csif.cs_slot_count, &m->csif_known.cs_slot_count,
		 0, ~0u);
	if (as_count) {
		m->info.as_present = (uint32_t)((1ull << as_count) - 1);
		m->known.as_present = ~0u;
	}
	/* How many cores is asked for, which bits they are is the device's choice. */
	if (shader_cores &&
	    shader_cores != (unsigned int)__builtin_popcountll(m->info.shader_present))
		m->known.shader_present = 0;

	if (conf_bool("device.coherent", 1)) {
		m->info.selected_coherency = DRM_PANTHOR_GPU_COHERENCY_ACE_LITE;
		m->info.coherency_features |= 1u << DRM_PANTHOR_GPU_COHERENCY_ACE_LITE;
		m->known.coherency_features |= 1u << DRM_PANTHOR_GPU_COHERENCY_ACE_LITE;
	} else {
		m->info.selected_coherency = DRM_PANTHOR_GPU_COHERENCY_NONE;
	}
	m->known.selected_coherency = ~0u;
}

int model_expected(struct gpu_model *expected)
{
	const char *name = conf_get("device.model", "g610");
	size_t i;

	for (i = 0; i < ARRAY_SIZE(models); i++) {
		if (strcmp(models[i].name, name))
			continue;
		*expected = models[i];
		apply_options(expected);
		return 0;
	}
	return -1;
}
