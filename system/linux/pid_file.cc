// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/linux/pid_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace qc::system {

namespace {

// True if the directory's entry still is the open file.
bool is_entry(int directory, const std::string& name, int file) {
    struct stat there, ours;
    return fstatat(directory, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0 &&
           fstat(file, &ours) == 0 && there.st_dev == ours.st_dev && there.st_ino == ours.st_ino;
}

Result<void> lock(int file) {
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    if (fcntl(file, F_OFD_SETLK, &whole) == 0) return {};
    return fail_errno(errno, "Cannot lock pid file");
}

}  // namespace

Result<PidFile> PidFile::create(const std::string& path) {
    const std::filesystem::path whole(path);
    const std::string parent = whole.has_parent_path() ? whole.parent_path().string() : ".";
    const std::string name = whole.filename().string();
    UniqueFd directory(open(parent.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!directory) return fail_errno(errno, "Could not create '{}'", path);
    while (true) {
        UniqueFd file(openat(directory.get(), name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (!file) return fail_errno(errno, "Could not create '{}'", path);
        TRY(lock(file.get()));
        // Whoever had it before may have removed it on his way out.
        if (!is_entry(directory.get(), name, file.get())) continue;
        const std::string text = fmt::format("{}\n", getpid());
        if (ftruncate(file.get(), 0) != 0 ||
            pwrite(file.get(), text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) {
            return fail_errno(errno, "Failed to write pid file");
        }
        return PidFile(std::move(directory), name, std::move(file));
    }
}

PidFile::~PidFile() {
    if (!file_ || !is_entry(directory_.get(), name_, file_.get())) return;
    (void)unlinkat(directory_.get(), name_.c_str(), 0);
}

}  // namespace qc::system
