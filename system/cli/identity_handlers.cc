// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/cli/handlers.h"

namespace qc::system {

Result<void> set_name(Parse& parse, const std::string& value, const std::string&) {
    auto options = TRY(OptionString::parse(value, "guest"));
    if (auto guest = options.take("guest")) parse.options.vm_name = *guest;
    if (auto process = options.take("process")) parse.options.process_name = *process;
    // Threads always bear names here.
    auto debug_threads = TRY(options.take_bool("debug-threads"));
    if (debug_threads && !*debug_threads) return fail("debug-threads=off is not supported");
    return options.expect_empty();
}

Result<void> set_uuid(Parse& parse, const std::string& value, const std::string&) {
    parse.options.uuid = TRY(parse_uuid(value));
    return {};
}

}  // namespace qc::system
