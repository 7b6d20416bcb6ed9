# SPDX-License-Identifier: GPL-2.0-or-later
"""What --trace records, as tables: events of the kernel, functions of the driver, events of the
device; on which track each is shown, and how.

A title may name fields of its event. What a kernel lacks is left out, and the trace says so.
"""

from collections.abc import Mapping
from typing import NamedTuple

INSTANT, BEGIN, END = "i", "B", "E"
#: whose track an event of the kernel is on
CPU, TASK = "cpu", "task"


class Tracepoint(NamedTuple):
    """An event of the kernel's, SYSTEM/NAME."""
    event: str
    title: str
    kind: str = INSTANT
    pair: str = ""                      # what an END has in common with its BEGIN
    by: str = TASK
    filter: str = ""                    # Documentation/trace/events.rst

    @property
    def name(self) -> str:
        """Its name without the system's."""
        return self.event.partition("/")[2]


def _span(system: str, begin: str, end: str, title: str) -> tuple[Tracepoint, Tracepoint]:
    return (Tracepoint(f"{system}/{begin}", title, BEGIN, title),
            Tracepoint(f"{system}/{end}", title, END, title))


TRACEPOINTS: tuple[Tracepoint, ...] = (
    # Of the shrinkers, the driver's is known by its function's address.
    *_span("vmscan", "mm_shrink_slab_start", "mm_shrink_slab_end", "shrink slab"),
    *_span("vmscan", "mm_vmscan_direct_reclaim_begin", "mm_vmscan_direct_reclaim_end",
           "direct reclaim"),
    *_span("vmscan", "mm_vmscan_memcg_reclaim_begin", "mm_vmscan_memcg_reclaim_end",
           "memcg reclaim"),
    *_span("vmscan", "mm_vmscan_node_reclaim_begin", "mm_vmscan_node_reclaim_end",
           "node reclaim"),
    *_span("vmscan", "mm_vmscan_balance_pgdat_begin", "mm_vmscan_balance_pgdat_end",
           "balance node"),
    Tracepoint("vmscan/mm_vmscan_kswapd_wake", "kswapd wakes"),
    Tracepoint("vmscan/mm_vmscan_kswapd_sleep", "kswapd sleeps"),
    Tracepoint("vmscan/mm_vmscan_wakeup_kswapd", "wake kswapd"),
    Tracepoint("vmscan/mm_vmscan_throttled", "reclaim throttled"),
    Tracepoint("dma_fence/dma_fence_init", "fence {context}:{seqno} made"),
    Tracepoint("dma_fence/dma_fence_enable_signal", "fence {context}:{seqno} to be signalled"),
    Tracepoint("dma_fence/dma_fence_signaled", "fence {context}:{seqno} signalled"),
    *_span("dma_fence", "dma_fence_wait_start", "dma_fence_wait_end", "wait for fence"),
    Tracepoint("gpu_scheduler/drm_sched_job_queue", "job queued on {name}"),
    Tracepoint("gpu_scheduler/drm_sched_job_run", "job run on {name}"),
    Tracepoint("gpu_scheduler/drm_sched_job_done", "job done"),
    Tracepoint("gpu_scheduler/drm_sched_job_unschedulable", "job waits for a fence"),
    Tracepoint("panthor/gpu_power_status", "power: shader {shader_bitmap:#x} tiler "
               "{tiler_bitmap:#x} L2 {l2_bitmap:#x}", by=CPU),
    Tracepoint("panthor/gpu_job_irq", "job interrupt done: {events:#x}"),
    Tracepoint("irq/irq_handler_entry", "{name}", by=CPU, filter='name ~ "panthor*"'),
)


class Function(NamedTuple):
    """A function of the driver's: a slice from its call to its return, on its task's track."""
    function: str
    title: str
    args: str = ""                      # Documentation/trace/kprobetrace.rst
    returns: bool = True                # else an instant at its call
    value: bool = False                 # it returns 0 or an error, or a number


FUNCTIONS: tuple[Function, ...] = (
    # panthor_gem.c
    Function("panthor_gem_shrinker_count", "shrinker: count", value=True),
    Function("panthor_gem_shrinker_scan", "shrinker: scan", value=True),
    Function("panthor_gem_try_evict", "evict a buffer, wait for its lock", "object=$arg1:x64",
             value=True),
    Function("panthor_gem_try_evict_no_resv_wait", "evict a buffer", "object=$arg1:x64",
             value=True),
    Function("panthor_gem_swapin_locked", "swap a buffer in", "object=$arg1:x64", value=True),
    Function("panthor_gem_backing_get_pages_locked", "get a buffer's pages", "object=$arg1:x64",
             value=True),
    Function("panthor_gem_update_reclaim_state_locked", "buffer's state", "object=$arg1:x64",
             returns=False),
    # panthor_mmu.c
    Function("panthor_vm_evict_bo_mappings_locked", "take a buffer out of its VMs",
             "object=$arg1:x64", value=True),
    Function("panthor_vm_bo_validate", "restore a buffer's mappings", value=True),
    Function("panthor_vm_map_pages", "map pages", "vm=$arg1:x64 va=$arg2:x64", value=True),
    Function("panthor_vm_unmap_pages", "unmap pages", "vm=$arg1:x64 va=$arg2:x64 size=$arg3:x64"),
    Function("panthor_vm_lock_region", "lock region", "vm=$arg1:x64 va=$arg2:x64 size=$arg3:x64",
             value=True),
    Function("panthor_vm_unlock_region", "unlock region", "vm=$arg1:x64"),
    Function("wait_ready", "wait for the AS", "as=$arg2:u32", value=True),
    Function("panthor_vm_active", "make VM active", "vm=$arg1:x64", value=True),
    Function("panthor_vm_idle", "make VM idle", "vm=$arg1:x64"),
    Function("panthor_mmu_as_disable", "disable AS", "as=$arg2:u32", value=True),
    Function("panthor_vm_declare_unusable", "VM is unusable", "vm=$arg1:x64", returns=False),
    Function("panthor_vm_bind_run_job", "run VM_BIND"),
    Function("panthor_mmu_irq_raw_handler", "MMU interrupt", value=True),
    Function("panthor_mmu_irq_threaded_handler", "MMU interrupt, threaded", value=True),
    Function("panthor_mmu_pre_reset", "MMU before reset"),
    Function("panthor_mmu_post_reset", "MMU after reset"),
    # panthor_gpu.c
    Function("panthor_gpu_flush_caches", "flush caches",
             "l2=$arg2:x32 lsc=$arg3:x32 other=$arg4:x32", value=True),
    Function("panthor_gpu_soft_reset", "soft reset", value=True),
    Function("panthor_gpu_irq_raw_handler", "GPU interrupt", value=True),
    Function("panthor_gpu_irq_threaded_handler", "GPU interrupt, threaded", value=True),
    # panthor_fw.c
    Function("panthor_fw_start", "start MCU", value=True),
    Function("panthor_fw_stop", "stop MCU"),
    Function("panthor_fw_pre_reset", "firmware before reset"),
    Function("panthor_fw_post_reset", "firmware after reset", value=True),
    Function("panthor_fw_csg_wait_acks", "wait for CSG", "csg=$arg2:u32 requests=$arg3:x32",
             value=True),
    Function("panthor_fw_glb_wait_acks", "wait for GLB", "requests=$arg2:x32", value=True),
    Function("panthor_fw_ping_work", "ping"),
    Function("panthor_job_irq_raw_handler", "job interrupt", value=True),
    Function("panthor_job_irq_threaded_handler", "job interrupt, threaded", value=True),
    # panthor_sched.c
    Function("tick_work", "scheduler tick"),
    Function("tick_ctx_apply", "apply the tick"),
    Function("csgs_upd_ctx_apply_locked", "update CSG slots", value=True),
    Function("process_fw_events_work", "firmware's events"),
    Function("sync_upd_work", "sync objects changed"),
    Function("group_sync_upd_work", "group's sync objects changed"),
    Function("group_tiler_oom_work", "tiler out of memory"),
    Function("group_term_work", "terminate a group"),
    Function("queue_run_job", "run job"),
    Function("queue_timedout_job", "job timed out"),
    Function("panthor_sched_report_mmu_fault", "MMU fault", returns=False),
    Function("panthor_sched_suspend", "scheduler: suspend"),
    Function("panthor_sched_resume", "scheduler: resume"),
    Function("panthor_sched_pre_reset", "scheduler before reset"),
    Function("panthor_sched_post_reset", "scheduler after reset"),
    # panthor_device.c
    Function("panthor_device_reset_work", "reset"),
    Function("panthor_device_suspend", "suspend", value=True),
    Function("panthor_device_resume", "resume", value=True),
)

#: what the name of a function's return has behind the function's
RETURN = "_ret"


class DeviceRow(NamedTuple):
    """An event of hw/gpu/trace-events, without the mali_csf_ in front."""
    event: str
    track: str
    title: str
    kind: str = INSTANT
    pair: str = ""


DEVICE: tuple[DeviceRow, ...] = (
    DeviceRow("mmu_command", "AS {as}", "{command}"),
    DeviceRow("mmu_update", "AS {as}", "UPDATE takes effect"),
    DeviceRow("mmu_lock", "AS {as}", "region locked", BEGIN, "lock"),
    DeviceRow("mmu_unlock", "AS {as}", "region locked", END, "lock"),
    DeviceRow("mmu_drop", "AS {as}", "TLB drops {n}"),
    DeviceRow("mmu_fault", "AS {as}", "fault {exception:#x}"),
    DeviceRow("mem_stall", "AS {as}", "access stalls"),
    DeviceRow("gpu_flush", "caches", "flush", BEGIN, "flush"),
    DeviceRow("gpu_flush_done", "caches", "flush", END, "flush"),
    # Also of a stream's FLUSH_CACHE2, which takes no time.
    DeviceRow("gpu_flush_count", "caches", "flush id {id:#x}"),
    DeviceRow("gpu_reset", "GPU", "reset", BEGIN, "reset"),
    DeviceRow("gpu_reset_done", "GPU", "reset", END, "reset"),
    DeviceRow("gpu_power_start", "power {domain}", "transition", BEGIN, "power"),
    DeviceRow("gpu_power_done", "power {domain}", "transition", END, "power"),
    DeviceRow("mcu_control", "MCU", "MCU_CONTROL {before} -> {val}"),
    DeviceRow("mcu_status", "MCU", "MCU_STATUS {before} -> {status}"),
    DeviceRow("fw_global", "MCU", "global request"),
    DeviceRow("doorbell", "MCU", "doorbell {nr}"),
    DeviceRow("csg_request", "CSG {csg}", "request"),
    DeviceRow("csg_start", "CSG {csg}", "group in slot", BEGIN, "group"),
    DeviceRow("csg_stop", "CSG {csg}", "group in slot", END, "group"),
    DeviceRow("csg_event", "CSG {csg}", "event {bit:#x}"),
    DeviceRow("suspend_save", "CSG {csg}", "group saved"),
    DeviceRow("suspend_load", "CSG {csg}", "group loaded"),
    DeviceRow("cs_start", "CSG {csg} CS {cs}", "queue started"),
    DeviceRow("cs_status", "CSG {csg} CS {cs}", "status"),
    DeviceRow("cs_event", "CSG {csg} CS {cs}", "event {bit:#x}"),
    DeviceRow("cs_exception", "CSG {csg} CS {cs}", "{kind} {exception:#x}"),
    DeviceRow("cs_sync", "CSG {csg} CS {cs}", "sync object"),
    DeviceRow("task_start", "CSG {csg} CS {cs}", "{name} starts"),
    DeviceRow("task_finish", "CSG {csg} CS {cs}", "{name} ends"),
    DeviceRow("heap_take", "CSG {csg} CS {cs}", "heap chunk taken"),
    DeviceRow("heap_oom", "CSG {csg} CS {cs}", "out of tiler memory"),
    DeviceRow("heap_give_back", "CSG {csg} CS {cs}", "heap chunks given back"),
    DeviceRow("resource_give", "CSG {csg} CS {cs}", "resources given"),
    DeviceRow("resource_wait", "CSG {csg} CS {cs}", "waits for resources"),
    DeviceRow("irq_raise", "IRQ {line}", "raised {bits:#x}"),
    DeviceRow("check_finding", "checker", "{kind}"),
    DeviceRow("inject_hit", "rules", "{name}: {act}"),
    DeviceRow("inject_add", "rules", "{name} added"),
    DeviceRow("inject_remove", "rules", "{name} removed"),
    DeviceRow("guest_error", "guest's mistakes", "{what}"),
)

#: the event that tells the machine's time, for those behind it
CLOCK = "clock"

#: numbers that have names: AS_COMMAND of hw/gpu/mali_csf_regs.h
NAMES: Mapping[str, Mapping[int, str]] = {
    "command": {0: "NOP", 1: "UPDATE", 2: "LOCK", 3: "UNLOCK", 4: "FLUSH_PT", 5: "FLUSH_MEM"},
}


def settings() -> list[str]:
    """The guest's settings: what record.c is to record."""
    lines = []
    for row in FUNCTIONS:
        lines.append(f"trace-probe=p {row.function} {row.function} {row.args}".rstrip())
        if row.returns:
            value = " ret=$retval:s32" if row.value else ""
            lines.append(f"trace-probe=r {row.function}{RETURN} {row.function}{value}")
    lines += [f"trace-event={row.event} {row.filter}".rstrip() for row in TRACEPOINTS]
    return lines


def device_events() -> list[str]:
    """The names of the device's events, for QEMU."""
    return [f"mali_csf_{name}" for name in (CLOCK, *(row.event for row in DEVICE))]
