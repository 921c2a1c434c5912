# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks for guests, made from a directory: no loop device and no rights are needed."""
import os
import pathlib
import shutil
import struct
import tempfile

from guest_packages import ImageError, run

SECTOR = 512
FIRST_MIB = 1  # where the partition begins; what is before is GRUB's
GRUB = pathlib.Path("/usr/lib/grub/i386-pc")
# In the first sector: what is the BIOS's drive number, and where the partition table is.
TABLE_AT = 446
GRUB_MODULES = ("biosdisk", "part_msdos", "ext2")


def tool(name):
    # /usr/sbin is not in everybody's PATH.
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if not found:
        raise ImageError(f"'{name}' is not installed (scripts/install-deps)")
    return found


def ext4(image, tree, label, mib, first_mib=0):
    """A file system with the files of the directory `tree`, in `image` from `first_mib` on."""
    with open(image, "wb") as file:
        file.truncate((first_mib + mib) << 20)
    # The contents, not the moment of making, decide about the image.
    run(tool("mke2fs"), "-q", "-F", "-t", "ext4", "-L", label, "-d", str(tree), "-m", "0",
        "-E", f"offset={first_mib << 20},root_owner=0:0,lazy_itable_init=0,nodiscard", str(image), f"{mib}M")


def grub_core():
    """GRUB's second stage: where it looks for the rest is the partition on the disk it came from."""
    with tempfile.TemporaryDirectory() as name:
        core = pathlib.Path(name) / "core.img"
        run(tool("grub-mkimage"), "-O", "i386-pc", "-p", "(,msdos1)/boot/grub", "-o", str(core), *GRUB_MODULES)
        return core.read_bytes()


def partition_table(first, sectors):
    """One Linux partition that can be booted; no cylinders, heads and sectors worth the name."""
    entry = struct.pack("<B3sB3sII", 0x80, b"\xfe\xff\xff", 0x83, b"\xfe\xff\xff", first, sectors)
    return entry + bytes(48) + b"\x55\xaa"


def grub_disk(image, tree, label, mib):
    """A disk with one partition that has the files of `tree` and boots by tree/boot/grub/grub.cfg.

    GRUB's own files are added to the tree. The first stage is in sector 0 and reads the
    second from sector 1, which its own first sector continues to read from sector 2.
    """
    if not GRUB.is_dir():
        raise ImageError(f"there is no {GRUB} (scripts/install-deps)")
    modules = pathlib.Path(tree) / "boot/grub/i386-pc"
    modules.mkdir(parents=True, exist_ok=True)
    for path in [*GRUB.glob("*.mod"), *GRUB.glob("*.lst")]:
        shutil.copy(path, modules)
    boot = (GRUB / "boot.img").read_bytes()
    core = grub_core()
    first = (FIRST_MIB << 20) // SECTOR
    if len(core) > (first - 1) * SECTOR:
        raise ImageError(f"GRUB's second stage of {len(core)} bytes does not fit before the partition")
    part = f"{image}.part"
    ext4(part, tree, label, mib, FIRST_MIB)
    with open(part, "r+b") as file:
        file.write(boot[:TABLE_AT] + partition_table(first, (mib << 20) // SECTOR) + core)
    os.replace(part, image)
