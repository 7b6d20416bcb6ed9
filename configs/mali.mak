# SPDX-License-Identifier: GPL-2.0-or-later
#
# The only devices built: what the virt machine needs, and ours (which is
# also the default with virt; naming it makes its absence an error).
CONFIG_ARM_VIRT=y
CONFIG_MALI_CSF=y
# The host's folder in ./mali-vm shell.
CONFIG_VIRTIO_9P=y
# Swap on a disk, ./mali-vm run --swap disk.
CONFIG_VIRTIO_BLK=y
