// SPDX-License-Identifier: GPL-2.0-or-later
//
// Memory of the host for a guest, as users ask for it by memory-backend-ram, -file and
// -memfd. Made whole or not at all: what the host does not have is an error here, not a
// signal while the guest runs, as far as the host can say.
//
// Threading: the owner's. What lend() gave out lives on by itself.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "memory/ram_block.h"
#include "util/host_memory.h"
#include "util/result.h"

namespace qc {
class FdSets;
}

namespace qc::memory {

struct MemoryBackendConfig {
    enum class Kind : uint8_t { kRam, kFile, kMemfd };
    Kind kind = Kind::kRam;
    std::string id;  // for messages and a temporary file's name
    uint64_t size = 0;
    bool share = false;
    bool merge = true;
    bool dump = true;
    bool reserve = true;
    bool prealloc = false;
    unsigned prealloc_threads = 1;

    // kFile. A directory means a file in it that has no name.
    std::string path;
    uint64_t offset = 0;
    uint64_t align = 0;
    bool readonly = false;      // the file; the memory is a private copy
    bool discard_data = false;  // the file's contents need not be kept

    // kMemfd
    bool huge_pages = false;
    uint64_t huge_page_size = 0;  // 0: the host's default
    bool seal = true;
};

class MemoryBackend {
 public:
    // `fd_sets` (may be null): for a file /dev/fdset/N.
    static Result<std::unique_ptr<MemoryBackend>> create(const MemoryBackendConfig& config,
                                                         FdSets* fd_sets = nullptr);
    // Nobody writes to the memory any more if it is discarded.
    ~MemoryBackend();
    MemoryBackend(const MemoryBackend&) = delete;
    MemoryBackend& operator=(const MemoryBackend&) = delete;

    const MemoryBackendConfig& config() const { return config_; }
    bool named_file() const { return named_file_; }

    // For a RAM block that is called `block_id`.
    RamMemory lend(std::string block_id) const {
        return {std::move(block_id), memory_, config_.share, named_file_};
    }
    // Somebody has what lend() gave out.
    bool in_use() const { return memory_.use_count() > 1; }

 private:
    MemoryBackend(const MemoryBackendConfig& config, HostMemory memory, bool named_file);

    const MemoryBackendConfig config_;
    const std::shared_ptr<const HostMemory> memory_;
    const bool named_file_;
};

}  // namespace qc::memory
