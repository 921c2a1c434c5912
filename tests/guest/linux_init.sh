#!/bin/busybox sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first process of the Linux guest that scripts/guest-images makes. What it does is
# said on the kernel's command line:
#   job=check  prints results that a test knows, and switches the machine off
#   job=clock  prints every second, for ever, which clock source and timer the kernel has,
#              what time it is by the former, and by the real-time clock
#   job=describe  prints what the firmware's tables tell it, and switches the machine off
#   job=idle   says so, and does nothing for ever
#   job=plug   says which virtio disk and entropy device there are whenever that changes, and
#              what the disk's first block reads as, for ever
#   job=sleep  sleeps (suspend to RAM) until the clock's alarm wakes it, again until
#              somebody else does, and switches off when the power button is pressed
#   job=spin   runs a loop on every processor, for ever
#   job=work   prints "work N right" for ever: N counts, and in between 2 MiB are hashed;
#              results=first: what job=check prints comes first
#   job=disk   writes the disk /dev/vda, reads it back, discards; asks for entropy
#   root=...   is mounted, and the program named by then=... on it takes over;
#              type=...: its file system, ext4 if not said;
#              writes=memory: nothing is written to it
#   load=a,b   drivers to load before
export PATH=/bin
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t devtmpfs dev /dev
busybox --install -s /bin

# The value of a word NAME=VALUE of the command line.
word() {
    for each in $(cat /proc/cmdline); do
        [ "${each%%=*}" = "$1" ] && echo "${each#*=}"
    done
}

# Each process writes 256 KiB of its own behind the first 16 MiB, and reads them past the
# page cache and through it.
disk_part() {
    mine=/tmp/part$1
    { echo "part $1"; cat /tmp/numbers; } | head -c 262144 >$mine
    dd if=$mine of=/dev/vda bs=32k seek=$((512 + $1 * 8)) conv=notrunc oflag=direct 2>/dev/null
    dd if=/dev/vda of=$mine.direct bs=4k skip=$((4096 + $1 * 64)) count=64 iflag=direct 2>/dev/null
    dd if=/dev/vda of=$mine.cached bs=64k skip=$((256 + $1 * 4)) count=4 2>/dev/null
    cmp $mine $mine.direct && cmp $mine $mine.cached && echo "part $1 right"
}

disk_job() {
    queue=/sys/block/vda/queue
    echo "queues $(ls /sys/block/vda/mq | wc -l) bytes $(blockdev --getsize64 /dev/vda) cache $(cat $queue/write_cache)"
    # Bits 34 and 32 of what the driver and the device agreed on.
    echo "packed $(cut -c 35 /sys/block/vda/device/features) modern $(cut -c 33 /sys/block/vda/device/features)"
    echo "discard $(($(cat $queue/discard_max_bytes) > 0)) zeroes $(($(cat $queue/write_zeroes_max_bytes) > 0))"
    seq 1 50000 >/tmp/numbers
    for part in 0 1 2 3; do disk_part "$part" & done
    wait
    blkdiscard -o 17301504 -l 262144 /dev/vda && sync && echo "discarded"
    mke2fs /dev/vda 8192 >/dev/null 2>&1
    mkdir /tmp/files && mount -t ext4 /dev/vda /tmp/files && cp /tmp/numbers /tmp/files
    umount /tmp/files && mount -t ext4 -o ro /dev/vda /tmp/files
    cmp /tmp/numbers /tmp/files/numbers && echo "file right"
    umount /tmp/files
    dd if=/dev/hwrng of=/tmp/one bs=512 count=16 2>/dev/null
    dd if=/dev/hwrng of=/tmp/two bs=512 count=16 2>/dev/null
    cmp -s /tmp/one /tmp/two || echo "entropy $(cat /tmp/one /tmp/two | wc -c) $(cat /sys/class/misc/hw_random/rng_current)"
    sed -n 's/^ *[0-9]*:\(.*\)$/interrupts\1/p' /proc/interrupts | grep virtio
}

zeros_hash() {
    head -c "$1" /dev/zero | sha256sum | cut -c 1-16
}

for driver in $(word load | tr , ' '); do modprobe "$driver"; done

if [ -n "$(word root)" ]; then
    mkdir -p /root
    # A disk may show up later than its driver is loaded.
    type=$(word type)
    until mount -t "${type:-ext4}" -o ro "$(findfs "$(word root)")" /root 2>/dev/null; do sleep 0.1; done
    next=$(word then)
    # With writes=memory the disk stays as it is.
    if [ "$(word writes)" = memory ]; then
        mkdir /lower /upper
        mount --move /root /lower
        mount -t tmpfs writes /upper
        mkdir /upper/files /upper/work
        mount -t overlay -o lowerdir=/lower,upperdir=/upper/files,workdir=/upper/work root /root
    fi
    umount /sys /proc
    mount --move /dev /root/dev
    exec switch_root -c /dev/console /root "$next"
fi

# What is in memory, and on the disks, which have to work again after a sleep.
seen() {
    md5sum /tmp/memory
    for disk in /dev/sda /dev/vda; do
        [ -b $disk ] && dd if=$disk bs=64k count=16 iflag=direct 2>/dev/null | md5sum
    done
}

# Suspends to RAM. What was seen before is to be seen after it.
sleep_and_check() {
    before=$(seen)
    echo "sleeping $1"
    if ! echo mem >/sys/power/state; then
        echo "it does not sleep"
    fi
    [ "$(seen)" = "$before" ] && echo "awake $1 cpus $(nproc) disks $(ls /dev/[sv]da | wc -l) $(zeros_hash 1048576)"
}

# Until the power button is pressed.
wait_for_button() {
    for input in /sys/class/input/event*; do
        if [ "$(cat "$input/device/name")" = "Power Button" ]; then
            # The kernel keeps events only for those who have it open already.
            exec 3<"/dev/input/${input##*/}"
            echo "button ready"
            head -c 24 <&3 >/dev/null
            echo "button pressed"
            return
        fi
    done
    echo "there is no button"
}

plug_job() {
    last=none
    while true; do
        disk=$(cat /sys/block/vda/size 2>/dev/null) || disk=none
        entropy=$(cat /sys/class/misc/hw_random/rng_current 2>/dev/null)
        now="disk $disk entropy ${entropy:-none}"
        if [ "$now" != "$last" ]; then
            last=$now
            [ "$disk" != none ] && now="$now block $(head -c 512 /dev/vda | md5sum | cut -c 1-16)"
            echo "plug $now"
        fi
        sleep 0.1
    done
}

print_results() {
    echo "clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
    echo "cpus $(nproc)"
    echo "sha256 $(zeros_hash 16777216)"
    echo "float $(awk 'BEGIN { for (i = 1; i <= 20000; ++i) x += 1 / i; printf "%.10f", x }')"
    echo "integer $(awk 'BEGIN { for (i = 1; i <= 30; ++i) x = (x * 31 + i) % 1000003; print x }')"
    echo "sorted $(seq 1 5000 | sort -r -n | md5sum | cut -c 1-16)"
    echo "inflated $(seq 1 20000 | gzip | gunzip | md5sum | cut -c 1-16)"
}

case " $(cat /proc/cmdline) " in
    *" job=check "*) print_results ;;
    *" job=describe "*)
        for cpu in /sys/devices/system/cpu/cpu[0-9]*; do
            echo "cpu ${cpu##*cpu} package $(cat "$cpu/topology/physical_package_id")" \
                "core $(cat "$cpu/topology/core_id") threads $(cat "$cpu/topology/thread_siblings_list")"
        done
        for node in /sys/devices/system/node/node[0-9]*; do
            echo "node ${node##*node} cpus $(cat "$node/cpulist") distance $(cat "$node/distance")"
        done
        echo "possible $(cat /sys/devices/system/cpu/possible)"
        echo "product $(cat /sys/class/dmi/id/product_name)"
        ;;
    *" job=idle "*)
        echo "idle now"
        while true; do
            sleep 3600
        done
        ;;
    *" job=clock "*)
        number=0
        system=/sys/devices/system
        while true; do
            number=$((number + 1))
            echo "time $number $(cat $system/clocksource/clocksource0/current_clocksource)" \
                "by $(cat $system/clockevents/clockevent0/current_device)" \
                "up $(cut -d ' ' -f 1 /proc/uptime) rtc $(cat /sys/class/rtc/rtc0/since_epoch)"
            sleep 1
        done
        ;;
    *" job=button "*) wait_for_button ;;
    *" job=disk "*) disk_job ;;
    *" job=plug "*) plug_job ;;
    *" job=sleep "*)
        echo "clocksource $(cat /sys/devices/system/clocksource/clocksource0/current_clocksource)"
        cat /proc/cpuinfo /proc/iomem >/tmp/memory
        echo "states $(cat /sys/power/state), $(cat /sys/power/mem_sleep)"
        echo 0 >/sys/class/rtc/rtc0/wakealarm
        echo +6 >/sys/class/rtc/rtc0/wakealarm
        sleep_and_check 1
        sleep_and_check 2
        grep -v -e '^ *CPU' /proc/interrupts | head -n 20
        dmesg -r | grep '^<[0-4]>'
        wait_for_button
        ;;
    *" job=spin "*)
        for processor in $(seq "$(nproc)"); do
            awk 'BEGIN { while (1) ++i }' &
        done
        echo "spinning on $processor"
        wait
        ;;
    *" job=work "*)
        [ -n "$(word results)" ] && print_results
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
