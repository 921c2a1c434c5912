# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's packages, and the archives in which a kernel finds its first files."""
import hashlib
import re
import subprocess

KERNEL = "linux-image-cloud-amd64"


class ImageError(Exception):
    """Why there are no images, in words for a person."""


class Stamp:
    """Tells an image made from these sources from one made from others.

    Times do not: an image that was copied is newer than its sources, whatever it has in it.
    """

    def __init__(self, sources):
        total = hashlib.sha256()
        for source in sources:
            with open(source, "rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        self._text = total.hexdigest() + "\n"

    @staticmethod
    def _file(image):
        return image.with_name(image.name + ".stamp")

    def is_on(self, image):
        return image.exists() and self._file(image).exists() and self._file(image).read_text() == self._text

    def put_on(self, image):
        self._file(image).write_text(self._text)


def run(*command, cwd=None):
    outcome = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if outcome.returncode != 0:
        raise ImageError(f"{' '.join(command)}: {outcome.stderr.strip()[-200:]}")
    return outcome.stdout


def kernel_package(name=KERNEL):
    """What the package that always needs the latest kernel of its kind needs now."""
    found = re.search(r"Depends: (linux-image-\S+)", run("apt-cache", "depends", name))
    if not found:
        raise ImageError(f"{name} names no kernel")
    return found[1]


def unpack(package, directory):
    """The contents of a package that need not be installed."""
    run("apt-get", "download", package, cwd=directory)
    for archive in directory.glob("*.deb"):
        run("dpkg", "-x", str(archive), str(directory))
        archive.unlink()


def cpio(files):
    """An archive in the form "newc": (name, mode, contents, device)."""
    out = bytearray()
    for number, (name, mode, contents, device) in enumerate([*files, ("TRAILER!!!", 0, b"", (0, 0))], 1):
        fields = (number, mode, 0, 0, 1, 0, len(contents), 0, 0, *device, len(name) + 1, 0)
        out += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        out += bytes(-len(out) % 4) + contents
        out += bytes(-len(out) % 4)
    return bytes(out)


def first_files(busybox, init):
    """What a kernel begins with: busybox, and a program for it as its first process."""
    folders = [(folder, 0o40755, b"", (0, 0)) for folder in ("bin", "dev", "proc", "sys", "tmp")]
    return cpio([*folders, ("dev/console", 0o20600, b"", (5, 1)), ("bin/busybox", 0o100755, busybox, (0, 0)),
                 ("init", 0o100755, init, (0, 0))])


def depends(module):
    """The modules that a module says it needs."""
    found = re.search(rb"\0depends=([^\0]*)\0", b"\0" + module)
    return found[1].decode().split(",") if found and found[1] else []


def drivers(directory, names):
    """Modules of the kernel unpacked in `directory`, with what they need, as modprobe wants them."""
    release = next(directory.glob("lib/modules/*"))
    found = {path.stem.replace("-", "_"): path for path in release.rglob("*.ko")}
    needs = {}

    def add(name):
        """The modules to load for this one, the last of them first."""
        if name not in found:
            return []  # part of the kernel itself
        if name not in needs:
            before = [other for one in depends(found[name].read_bytes()) for other in add(one.replace("-", "_"))]
            needs[name] = [*dict.fromkeys(reversed(before))][::-1]
        return [name, *needs[name]]

    for name in names:
        add(name.replace("-", "_"))
    base = f"lib/modules/{release.name}"
    listing = "".join(f"{found[name].name}: {' '.join(found[other].name for other in others)}\n"
                      for name, others in needs.items())
    files = [(f"{base}/{found[name].name}", 0o100644, found[name].read_bytes(), (0, 0)) for name in needs]
    return [*((folder, 0o40755, b"", (0, 0)) for folder in ("lib", "lib/modules", base)),
            (f"{base}/modules.dep", 0o100644, listing.encode(), (0, 0)), *files]
