// SPDX-License-Identifier: GPL-2.0-or-later
#include <array>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "system/cli/config_file.h"
#include "system/cli/handlers.h"
#include "system/cli/option_table.h"

namespace qc::system {

namespace {

Result<std::string> read_file(const std::string& path) {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"),
                                                         &std::fclose);
    if (!file) return fail_errno(errno, "Could not open '{}'", path);
    std::string text;
    std::array<char, 4096> piece;
    while (size_t count = std::fread(piece.data(), 1, piece.size(), file.get())) {
        text.append(piece.data(), count);
        if (text.size() > kMaxConfigBytes) {
            return fail("'{}' has more than {} bytes", path, kMaxConfigBytes);
        }
    }
    if (std::ferror(file.get())) return fail_errno(errno, "Could not read '{}'", path);
    return text;
}

}  // namespace

Result<void> read_config(Parse& parse, const std::string& value, const std::string&) {
    const std::string text = TRY(read_file(value));
    for (const ConfigGroup& group : TRY(parse_config(text).context("{}", value))) {
        const std::string place = fmt::format("{}:{}", value, group.line);
        const OptionEntry* entry = find_option_group(group.name);
        if (entry == nullptr) return fail("{}: There is no option group '{}'", place, group.name);
        const std::string option = group.as_option();
        const std::string origin = fmt::format("-{} {}", entry->name, option);
        TRY(read_option(*entry, parse, option, origin, place));
    }
    return {};
}

}  // namespace qc::system
