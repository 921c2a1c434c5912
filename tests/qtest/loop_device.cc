// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/loop_device.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>

namespace qc::qtest {

Result<std::unique_ptr<LoopDevice>> LoopDevice::create(const std::string& file, uint64_t size) {
    UniqueFd backing(open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!backing) return fail_errno(errno, "making '{}'", file);
    if (ftruncate(backing.get(), static_cast<off_t>(size)) != 0) {
        return fail_errno(errno, "making '{}' {} bytes long", file, size);
    }
    UniqueFd control(open("/dev/loop-control", O_RDWR | O_CLOEXEC));
    if (!control) return fail_errno(errno, "opening /dev/loop-control");
    // Somebody else may take the one that was free.
    for (int attempt = 0; attempt < 10; ++attempt) {
        const int number = ioctl(control.get(), LOOP_CTL_GET_FREE);
        if (number < 0) return fail_errno(errno, "looking for a loop device");
        std::string path = fmt::format("/dev/loop{}", number);
        UniqueFd fd(open(path.c_str(), O_RDWR | O_CLOEXEC));
        if (!fd) return fail_errno(errno, "opening '{}'", path);
        if (ioctl(fd.get(), LOOP_SET_FD, backing.get()) == 0) {
            return std::unique_ptr<LoopDevice>(new LoopDevice(std::move(path), std::move(fd)));
        }
        if (errno != EBUSY) return fail_errno(errno, "setting '{}' up", path);
    }
    return fail("every loop device is taken");
}

LoopDevice::~LoopDevice() {
    (void)ioctl(fd_.get(), LOOP_CLR_FD);
}

}  // namespace qc::qtest
