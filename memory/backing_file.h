// SPDX-License-Identifier: GPL-2.0-or-later
//
// The file behind a memory back end: opened or created, of the right size, with room on
// its file system.
//
// Threading: plain object. A file that was created goes again with this, until keep().
#pragma once

#include <cstdint>
#include <string>

#include "memory/memory_backend.h"
#include "util/fd_sets.h"
#include "util/result.h"

namespace qc::memory {

class BackingFile {
 public:
    static Result<BackingFile> open(const MemoryBackendConfig& config, FdSets* fd_sets);
    static Result<BackingFile> create_memfd(const MemoryBackendConfig& config);
    ~BackingFile();
    BackingFile(BackingFile&& other) noexcept;
    BackingFile& operator=(BackingFile&&) = delete;

    int fd() const { return fd_.get(); }
    uint64_t page_size() const { return page_size_; }
    // Others find it by its path.
    bool has_name() const { return has_name_; }
    void keep() { created_path_.clear(); }

 private:
    BackingFile() = default;
    Result<void> open_named(const MemoryBackendConfig& config, FdSets* fd_sets);
    Result<void> open_in_directory(const MemoryBackendConfig& config);
    Result<void> look_at_file_system(const MemoryBackendConfig& config);
    Result<void> check_alignment(const MemoryBackendConfig& config) const;
    Result<void> set_size(const MemoryBackendConfig& config);
    Result<void> find_room(const MemoryBackendConfig& config);

    FdUse use_;
    UniqueFd fd_;
    uint64_t page_size_ = kPageSize;
    bool has_name_ = false;
    bool in_memory_ = false;  // tmpfs: what is there takes memory
    bool huge_pages_ = false;
    std::string created_path_;
};

}  // namespace qc::memory
