#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The service of the systemd guest; the kernel's command line says what it does:
#   job=programs  runs programs, says how the system is, and switches off
#   job=chain     works for ever
here=/usr/local/lib/guest
case " $(cat /proc/cmdline) " in
    *" job=programs "*)
        mkdir -p /var/tmp/work
        echo "programs begin"
        "$here/programs.sh" /var/tmp/work
        echo "programs end"
        echo "state $(systemctl is-system-running --wait)"
        echo "failed units: $(systemctl --failed --plain --no-legend | tr '\n' ' ')"
        systemctl poweroff
        ;;
    *" job=chain "*)
        echo "state $(systemctl is-system-running --wait)"
        exec python3 "$here/chain.py" /var/tmp/chain
        ;;
esac
