// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/memory_backend.h"

#include <sys/mman.h>

#include <optional>
#include <utility>

#include "memory/backing_file.h"
#include "util/assert.h"

namespace qc::memory {

Result<std::unique_ptr<MemoryBackend>> MemoryBackend::create(const MemoryBackendConfig& config,
                                                             FdSets* fd_sets) {
    QC_ASSERT(config.size > 0);
    using Kind = MemoryBackendConfig::Kind;
    if (config.size > UINT64_MAX - kPageSize) return fail("{} bytes are too many", config.size);
    std::optional<BackingFile> file;
    if (config.kind == Kind::kFile) file.emplace(TRY(BackingFile::open(config, fd_sets)));
    if (config.kind == Kind::kMemfd) file.emplace(TRY(BackingFile::create_memfd(config)));
    // RAM blocks have whole pages.
    const uint64_t size = (config.size + kPageSize - 1) / kPageSize * kPageSize;
    const HostMapping how{.fd = file ? file->fd() : -1,
                          .offset = config.offset,
                          .shared = config.share,
                          .reserve = config.reserve,
                          .dump = config.dump,
                          .merge = config.merge,
                          .alignment = config.align,
                          .page_size = file ? file->page_size() : kPageSize};
    Result<HostMemory> mapped = HostMemory::map(size, how);
    if (!mapped && file) {
        return Failure(
            std::move(mapped).context("unable to map backing store for guest RAM").error());
    }
    HostMemory memory =
        TRY(std::move(mapped).context("cannot set up guest memory '{}'", config.id));
    if (config.prealloc) {
        TRY(memory.populate(config.prealloc_threads).context("memory '{}'", config.id));
    }
    if (file) file->keep();
    return std::unique_ptr<MemoryBackend>(
        new MemoryBackend(config, std::move(memory), file && file->has_name()));
}

MemoryBackend::MemoryBackend(const MemoryBackendConfig& config, HostMemory memory, bool named_file)
    : config_(config),
      memory_(std::make_shared<const HostMemory>(std::move(memory))),
      named_file_(named_file) {}

MemoryBackend::~MemoryBackend() {
    // What the host's file system would have to write to disk is thrown away.
    if (config_.discard_data) (void)madvise(memory_->data(), memory_->size(), MADV_REMOVE);
}

}  // namespace qc::memory
