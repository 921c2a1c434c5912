#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first process of the Linux guest that scripts/guest-images makes. What it does is
# said on the kernel's command line:
#   job=check  prints results that a test knows, and switches the machine off
#   job=idle  says so, and does nothing for ever
#   job=describe  prints how processors and memory are arranged, and switches it off
#   job=work   prints "work N right" for ever: N counts, and in between 2 MiB are hashed
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
busybox --install -s /bin

zeros_hash() {
    head -c "$1" /dev/zero | sha256sum | cut -c 1-16
}

case " $(cat /proc/cmdline) " in
    *" job=check "*)
        echo "cpus $(nproc)"
        echo "sha256 $(zeros_hash 16777216)"
        echo "float $(awk 'BEGIN { for (i = 1; i <= 20000; ++i) x += 1 / i; printf "%.10f", x }')"
        echo "integer $(awk 'BEGIN { for (i = 1; i <= 30; ++i) x = (x * 31 + i) % 1000003; print x }')"
        echo "sorted $(seq 1 5000 | sort -r -n | md5sum | cut -c 1-16)"
        echo "inflated $(seq 1 20000 | gzip | gunzip | md5sum | cut -c 1-16)"
        ;;
    *" job=describe "*)
        for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
            echo "cpu ${cpu##*cpu} package $(cat "$cpu/topology/physical_package_id")" \
                "core $(cat "$cpu/topology/core_id") threads $(cat "$cpu/topology/thread_siblings_list")"
        done
        for node in /sys/devices/system/node/node[0-9]*; do
            echo "node ${node##*node} cpus $(cat "$node/cpulist") distance $(cat "$node/distance")"
        done
        echo "possible $(cat /sys/devices/system/cpu/possible)"
        ;;
    *" job=idle "*)
        echo "idle now"
        while true; do
            sleep 3600
        done
        ;;
    *" job=work "*)
        right=$(zeros_hash 2097152)
        number=0
        while true; do
            number=$((number + 1))
            if [ "$(zeros_hash 2097152)" = "$right" ]; then
                echo "work $number right"
            else
                echo "work $number WRONG"
            fi
        done
        ;;
esac
poweroff -f
