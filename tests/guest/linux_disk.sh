#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# /sbin/init on the disk that scripts/guest-images makes and GRUB boots: counts the boots
# on that disk and looks at what is on it.
export PATH=/bin
mount -t proc proc /proc
mount -o remount,rw /
boots=$(($(cat /boots) + 1))
echo "$boots" >/boots
sync
echo "boots $(cat /boots) from $(grep -o 'BOOT_IMAGE=[^ ]*' /proc/cmdline)"
[ "$(sha256sum </boot/vmlinuz)" = "$(cat /vmlinuz.sha256)" ] && echo "kernel on the disk right"
echo "root $(grep ' / ext4 ' /proc/mounts | cut -d ' ' -f 1-3)"
mount -o remount,ro /
poweroff -f
