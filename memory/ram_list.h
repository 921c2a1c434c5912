// SPDX-License-Identifier: GPL-2.0-or-later
//
// All RAM blocks of one machine, in creation order. Blocks are added while the
// machine is built and live as long as it does.
//
// Threading: built on the main thread before any other starts; read-only after.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "memory/ram_block.h"
#include "util/result.h"

namespace qc::memory {

class RamList {
 public:
    Result<RamBlock*> create_block(std::string id, uint64_t size, RamBlock::Kind kind);

    RamBlock* add_block(RamMemory memory, RamBlock::Kind kind);

    RamBlock* find(std::string_view id) const;
    const std::vector<std::unique_ptr<RamBlock>>& blocks() const { return blocks_; }
    uint64_t total_bytes() const;

 private:
    std::vector<std::unique_ptr<RamBlock>> blocks_;
};

}  // namespace qc::memory
