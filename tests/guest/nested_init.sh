#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first process of the machine in which scripts/check-nested runs test programs under
# a KVM of its own. /nested_tests has them: a lane, a path and GoogleTest's filter on each
# line. Lanes run beside each other, and what they print begins with their number.
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
busybox --install -s /bin
mount -t tmpfs tmpfs /tmp
mkdir -p /var/tmp
ip link set lo up
modprobe kvm-amd
[ -e /dev/kvm ] || echo "nested:broken there is no /dev/kvm"
QTEST_TIME_SCALE=$(sed -n 's/.*scale=\([0-9]*\).*/\1/p' /proc/cmdline)
export QTEST_TIME_SCALE
cd /tmp

run_lane() {
    while read -r lane program filter; do
        [ "$lane" = "$1" ] || continue
        "$program" --gtest_color=no --gtest_brief=0 --gtest_filter="$filter" < /dev/null 2>&1
        echo "nested:exit ${program##*/} $?"
    done < /nested_tests
}

for lane in $(cut -d ' ' -f 1 /nested_tests | sort -u); do
    run_lane "$lane" | while IFS= read -r line; do echo "$lane|$line"; done &
done
wait
echo "nested:end"
poweroff -f
