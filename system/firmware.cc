// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/firmware.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string_view>

#include "util/unique_fd.h"

namespace qc::system {

namespace {

constexpr size_t kImageUnit = size_t{64} << 10;
constexpr size_t kLargestImage = size_t{16} << 20;
constexpr std::array<std::string_view, 3> kSystemDirs = {"/usr/share/seabios", "/usr/share/qemu",
                                                         "/usr/local/share/qemu"};

constexpr uint64_t kLargestBootFile = uint64_t{2} << 30;

Result<size_t> regular_size(const UniqueFd& fd) {
    struct stat info{};
    if (fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return fail("not a regular file");
    return static_cast<size_t>(info.st_size);
}

Result<std::vector<std::byte>> read_all(const UniqueFd& fd, size_t size) {
    std::vector<std::byte> image(size);
    size_t done = 0;
    while (done < size) {
        ssize_t count = read(fd.get(), image.data() + done, size - done);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "read error");
        if (count == 0) return fail("it became shorter");
        done += static_cast<size_t>(count);
    }
    return image;
}

UniqueFd open_image(const std::string& path) {
    return UniqueFd(open(path.c_str(), O_RDONLY | O_CLOEXEC));
}

Result<UniqueFd> find_image(const std::string& name, std::span<const std::string> data_dirs) {
    UniqueFd fd;
    if (name.find('/') == std::string::npos) {
        for (const std::string& dir : data_dirs) {
            if (!fd) fd = open_image(dir + "/" + name);
        }
        for (std::string_view dir : kSystemDirs) {
            if (!fd) fd = open_image(fmt::format("{}/{}", dir, name));
        }
    }
    if (!fd) fd = open_image(name);
    if (!fd) return fail_errno(errno, "could not load PC BIOS '{}'", name);
    return fd;
}

}  // namespace

Result<std::vector<std::byte>> load_firmware(const std::string& name,
                                             std::span<const std::string> data_dirs) {
    UniqueFd fd = TRY(find_image(name, data_dirs));
    const size_t size = TRY(regular_size(fd).context("could not load PC BIOS '{}'", name));
    if (size == 0 || size % kImageUnit != 0 || size > kLargestImage) {
        return fail(
            "could not load PC BIOS '{}': {} bytes are not a multiple of 64 KiB up to 16 MiB", name,
            size);
    }
    return TRY(read_all(fd, size).context("could not load PC BIOS '{}'", name));
}

Result<std::vector<std::byte>> load_boot_file(const std::string& path, std::string_view what) {
    UniqueFd fd = open_image(path);
    if (!fd) return fail_errno(errno, "could not load {} '{}'", what, path);
    const size_t size = TRY(regular_size(fd).context("could not load {} '{}'", what, path));
    if (size > kLargestBootFile) return fail("could not load {} '{}': {} bytes", what, path, size);
    return TRY(read_all(fd, size).context("could not load {} '{}'", what, path));
}

}  // namespace qc::system
