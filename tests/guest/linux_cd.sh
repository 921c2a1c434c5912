#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# /sbin/init on the CD that scripts/guest-cd makes: runs from it and looks at what is on it.
export PATH=/bin
mount -t proc proc /proc
echo "root $(grep ' / iso9660 ' /proc/mounts | cut -d ' ' -f 1-3)"
[ "$(sha256sum </data)" = "$(cat /data.sha256)" ] && echo "data on the CD right"
(echo x >/written) 2>/dev/null || echo "nothing can be written"
echo "busybox of the CD says $(/bin/busybox expr 6 '*' 7)"
poweroff -f
