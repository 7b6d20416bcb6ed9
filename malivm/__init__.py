# SPDX-License-Identifier: GPL-2.0-or-later
"""The package behind ./mali-vm."""
