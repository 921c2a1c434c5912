// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "util/base64.h"
#include "util/unique_fd.h"

namespace qc::crypto {

namespace {

constexpr size_t kMaxSecret = 1024 * 1024;

}  // namespace

Result<std::string> read_small_file(const std::string& path, size_t limit) {
    UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return fail_errno(errno, "Unable to read {}", path);
    struct stat status;
    if (fstat(fd.get(), &status) != 0) return fail_errno(errno, "Unable to read {}", path);
    if (S_ISDIR(status.st_mode)) return fail("Unable to read {}: it is a directory", path);
    std::string text;
    std::array<char, 4096> buffer;
    while (true) {
        const ssize_t count = read(fd.get(), buffer.data(), buffer.size());
        if (count == 0) return text;
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail_errno(errno, "Unable to read {}", path);
        text.append(buffer.data(), static_cast<size_t>(count));
        if (text.size() > limit) return fail("{} has more than {} bytes", path, limit);
    }
}

Result<std::string> load_secret(const SecretSource& source) {
    if (source.data && source.file) return fail("'file' and 'data' are mutually exclusive");
    if (!source.data && !source.file) return fail("Must provide 'file' or 'data'");
    std::string text = source.data ? *source.data : TRY(read_small_file(*source.file, kMaxSecret));
    if (source.format == SecretFormat::kRaw) return text;
    return decode_base64(text).context("{}", source.file ? *source.file : std::string("'data'"));
}

}  // namespace qc::crypto
