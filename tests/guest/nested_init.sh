#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first process of the machine in which scripts/check-nested runs test programs under
# a KVM of its own. /nested_tests has them: a path and GoogleTest's filter on each line.
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
busybox --install -s /bin
mount -t tmpfs tmpfs /tmp
ip link set lo up
modprobe kvm-amd
[ -e /dev/kvm ] || echo "nested:broken there is no /dev/kvm"
QTEST_TIME_SCALE=$(sed -n 's/.*scale=\([0-9]*\).*/\1/p' /proc/cmdline)
export QTEST_TIME_SCALE
cd /tmp
while read -r program filter; do
    "$program" --gtest_color=no --gtest_brief=0 --gtest_filter="$filter" < /dev/null 2>&1
    echo "nested:exit ${program##*/} $?"
done < /nested_tests
echo "nested:end"
poweroff -f
