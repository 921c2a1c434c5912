// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev_factory.h"

#include <unistd.h>

#include "chardev/file_chardev.h"
#include "chardev/null_chardev.h"
#include "chardev/stdio_chardev.h"

namespace qc::chardev {

namespace {

struct Maker {
    const std::string& id;
    Startup startup;
    const ChardevDeps& deps;

    Result<std::unique_ptr<Chardev>> operator()(const NullConfig&) const {
        return std::make_unique<NullChardev>(deps.loop, id);
    }
    Result<std::unique_ptr<Chardev>> operator()(const FileConfig& file) const {
        return TRY(FileChardev::create(deps.loop, id, file.path, file.mode));
    }
    Result<std::unique_ptr<Chardev>> operator()(const StdioConfig& stdio) const {
        return TRY(StdioChardev::create(deps.loop, id, stdio.signals, STDIN_FILENO, STDOUT_FILENO));
    }
    Result<std::unique_ptr<Chardev>> operator()(const SocketConfig& socket) const {
        return TRY(SocketChardev::create(deps.loop, id, socket, startup, deps.interrupt));
    }
};

}  // namespace

Result<std::unique_ptr<Chardev>> create_chardev(const ChardevConfig& config, Startup startup,
                                                const ChardevDeps& deps) {
    return std::visit(Maker{config.id, startup, deps}, config.backend);
}

}  // namespace qc::chardev
