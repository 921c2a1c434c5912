// SPDX-License-Identifier: GPL-2.0-or-later
//
// One contiguous piece of guest memory on the host: RAM or a ROM image. It knows
// which of its pages were written since the last harvest, and which hold code
// that an emulator has decoded.
//
// Every write to the block's bytes that does not come from guest code under a
// hardware accelerator goes through write(), or before_write() is called first and
// note_write() afterwards.
//
// Threading: vCPUs, DMA and migration touch the bytes concurrently, as hardware
// would; the bitmaps are atomic. Owned by memory::RamList.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "memory/page_capture.h"
#include "memory/phys_addr.h"
#include "util/bitmap.h"
#include "util/host_memory.h"
#include "util/result.h"

namespace qc::memory {

class RamBlock;

// Told when a page that holds decoded code was written by somebody else than
// the vCPU's own store path.
class CodeWriteListener {
 public:
    virtual ~CodeWriteListener() = default;
    // Any thread. Must not block.
    virtual void code_page_written(RamBlock& block, uint64_t page) = 0;
};

// Memory for a block that somebody else has set up: a memory back end.
struct RamMemory {
    std::string id;  // the block's
    // Whoever holds it keeps it.
    std::shared_ptr<const HostMemory> memory;
    bool shared = false;      // other processes may map the same
    bool named_file = false;  // and find it by a name that outlives this process
};

class RamBlock {
 public:
    enum class Kind : uint8_t { kRam, kRom };

    // `id` is the name in the migration stream ("pc.ram", "pc.bios"); `size` is in
    // bytes, a multiple of kPageSize. Contents start as zeros, unallocated.
    static Result<std::unique_ptr<RamBlock>> create(std::string id, uint64_t size, Kind kind);
    static std::unique_ptr<RamBlock> over(RamMemory memory, Kind kind);
    RamBlock(const RamBlock&) = delete;
    RamBlock& operator=(const RamBlock&) = delete;

    const std::string& id() const { return memory_.id; }
    Kind kind() const { return kind_; }
    uint64_t size() const { return memory_.memory->size(); }
    uint64_t page_count() const { return size() / kPageSize; }
    std::byte* host() const { return host_; }
    // Another process that maps the same file has the same contents.
    bool shared_by_name() const { return memory_.shared && memory_.named_file; }
    // Where a guest sees the first byte; the board says so.
    uint64_t guest_address() const { return guest_address_; }
    void set_guest_address(uint64_t address) { guest_address_ = address; }
    std::span<std::byte> page(uint64_t page_number) const { return pages(page_number, 1); }
    std::span<std::byte> pages(uint64_t first, uint64_t count) const {
        return {host() + first * kPageSize, count * kPageSize};
    }

    // Copies `data` to `offset` and notes the write. The range lies in the block
    // (asserted: callers translate guest addresses first).
    void write(uint64_t offset, std::span<const std::byte> data);

    // Before a write to [offset, offset + length), length > 0.
    void before_write(uint64_t offset, uint64_t length) {
        if (!capture_.active()) return;
        for (uint64_t page = offset / kPageSize; page <= (offset + length - 1) / kPageSize; ++page)
            capture_.before_write(page);
    }

    // After a write to [offset, offset + length), length > 0: marks the pages
    // dirty if logging is on, and tells the listener about pages with code.
    void note_write(uint64_t offset, uint64_t length);

    // After migration replaced the contents of a page: tells the listener about
    // code, and leaves the dirty bitmap alone.
    void note_replaced(uint64_t page);

    // Dirty logging. While off, nothing is recorded.
    void set_dirty_logging(bool on) { logging_.store(on, std::memory_order_seq_cst); }
    bool dirty_logging() const { return logging_.load(std::memory_order_relaxed); }
    AtomicBitmap& dirty() { return dirty_; }
    const AtomicBitmap& dirty() const { return dirty_; }

    // For who reads pages as they were at one moment while they are being written.
    PageCapture& capture() { return capture_; }

    // Pages that hold decoded code. Set and cleared by the emulator's block cache.
    AtomicBitmap& code_pages() { return code_pages_; }
    void set_code_write_listener(CodeWriteListener* listener) { listener_ = listener; }

 private:
    RamBlock(RamMemory memory, Kind kind);

    const RamMemory memory_;
    std::byte* const host_;
    Kind kind_;
    uint64_t guest_address_ = 0;
    std::atomic<bool> logging_{false};
    AtomicBitmap dirty_;
    AtomicBitmap code_pages_;
    PageCapture capture_;
    CodeWriteListener* listener_ = nullptr;
};

}  // namespace qc::memory
