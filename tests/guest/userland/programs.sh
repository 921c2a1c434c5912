#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What the systemd guest runs, and scripts/guest-userland before on the host's processor:
# the outputs have to be the same. The argument is a directory to work in.
set -eu
export LC_ALL=C PATH=/usr/sbin:/usr/bin:/sbin:/bin
here=$(dirname "$0")
cd "$1"

echo "sha256 $(yes 'sixty-four mebibytes' | head -c 67108864 | sha256sum)"
python3 "$here/arithmetic.py"
perl "$here/words.pl"
gcc -O2 -o compiled "$here/compiled.c" -lm && ./compiled
echo "binary $(objdump -d compiled | sed 1,3d | sha256sum)"

# Each transaction is on the disk before the next begins.
rm -f data
number=0
while [ $number -lt 10 ]; do
    number=$((number + 1))
    echo "BEGIN; INSERT INTO t SELECT value, $number, hex(value * $number) FROM generate_series(1, 200); COMMIT;"
done | sqlite3 -cmd "PRAGMA synchronous = FULL;" \
    -cmd "CREATE TABLE t (a INTEGER, b INTEGER, c TEXT); CREATE INDEX i ON t (c);" data
echo "sqlite $(sqlite3 data 'SELECT count(*), sum(a * b), min(c), max(c) FROM t; PRAGMA integrity_check;' | tr '\n' ' ')"
sqlite3 data "BEGIN; DELETE FROM t WHERE b > 5; ROLLBACK; BEGIN; DELETE FROM t WHERE b > 7; COMMIT; VACUUM;"
echo "sqlite $(sqlite3 data 'SELECT count(*), sum(a), avg(length(c)) FROM t;')"
