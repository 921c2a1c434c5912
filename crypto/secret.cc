// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto/secret.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "util/unique_fd.h"

namespace qc::crypto {

namespace {

constexpr size_t kMaxSecret = 1024 * 1024;

// The value of a character, or -1.
int base64_value(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

}  // namespace

Result<std::string> decode_base64(std::string_view text) {
    std::string decoded;
    uint32_t bits = 0;
    size_t characters = 0;
    size_t padding = 0;
    for (char c : text) {
        if (is_space(c)) continue;
        ++characters;
        if (c == '=') {
            ++padding;
            continue;
        }
        const int value = base64_value(c);
        if (value < 0 || padding != 0) return fail("this is not base64");
        bits = (bits << 6) | static_cast<uint32_t>(value);
        const size_t have = characters % 4;
        if (have != 1) decoded += static_cast<char>(bits >> (have == 2 ? 4 : have == 3 ? 2 : 0));
    }
    if (characters % 4 != 0 || padding > 2) return fail("this is not base64");
    return decoded;
}

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
