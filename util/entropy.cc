// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/entropy.h"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>

namespace qc {

size_t BuiltinEntropy::read(std::span<std::byte> data) {
    const ssize_t done = ::getrandom(data.data(), data.size(), GRND_NONBLOCK);
    return done > 0 ? static_cast<size_t>(done) : 0;
}

Result<std::unique_ptr<FileEntropy>> FileEntropy::open(const std::string& path, FdSets* fd_sets) {
    OpenedPath file = open_path(fd_sets, path, O_RDONLY | O_NONBLOCK);
    if (!file.fd) return fail_errno(errno, "Could not open '{}'", path);
    return std::unique_ptr<FileEntropy>(new FileEntropy(std::move(file)));
}

size_t FileEntropy::read(std::span<std::byte> data) {
    const ssize_t done = ::read(file_.fd.get(), data.data(), data.size());
    return done > 0 ? static_cast<size_t>(done) : 0;
}

}  // namespace qc
