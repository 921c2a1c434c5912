// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/kvm/kvm_memory.h"

#include <algorithm>

#include "accel/kvm/kvm_abi.h"
#include "util/assert.h"
#include "util/log.h"

namespace qc::kvm {

using memory::RamBlock;

namespace {

// Or-s `count` bits of `words` into `into`, beginning at bit `first`.
void or_bits(Bitmap& into, uint64_t first, const std::vector<uint64_t>& words, uint64_t count) {
    std::vector<uint64_t>& target = into.words();
    const unsigned shift = first % 64;
    for (uint64_t word = 0; word * 64 < count; ++word) {
        uint64_t bits = words[word];
        const uint64_t left = count - word * 64;
        if (left < 64) bits &= (uint64_t{1} << left) - 1;
        if (bits == 0) continue;
        const uint64_t index = first / 64 + word;
        target[index] |= bits << shift;
        if (shift != 0 && bits >> (64 - shift) != 0) target[index + 1] |= bits >> (64 - shift);
    }
}

}  // namespace

KvmMemory::KvmMemory(Deps deps) : deps_(deps), table_(deps.max_slots) {}

KvmMemory::~KvmMemory() {
    if (attached_) deps_.memory.remove_listener(*this);
}

Result<void> KvmMemory::attach() {
    deps_.memory.add_listener(*this);
    attached_ = true;
    MutexLock lock(mutex_);
    return apply(table_.update(*deps_.memory.view()));
}

void KvmMemory::view_changed(const memory::FlatView&, const memory::FlatView& after) {
    MutexLock lock(mutex_);
    if (auto result = apply(table_.update(after)); !result) {
        // The guest would go on with memory that is not there.
        error_report(result.error());
        deps_.machine.report_internal_error();
    }
}

Result<void> KvmMemory::apply(const SlotChanges& changes) {
    for (const Slot& slot : changes.removed) {
        TRY(set_slot(slot, false));
        // The slot's log went with it. What another vCPU wrote until the very end can
        // only be told apart by taking all of it as written.
        if (logging_ && !slot.read_only) slot.block->note_write(slot.offset, slot.size);
    }
    for (const Slot& slot : changes.added)
        TRY(set_slot(slot, true));
    return {};
}

Result<void> KvmMemory::set_slot(const Slot& slot, bool present) {
    kvm_userspace_memory_region region{};
    region.slot = slot.id;
    region.guest_phys_addr = slot.address;
    region.memory_size = present ? slot.size : 0;
    region.userspace_addr = reinterpret_cast<uintptr_t>(slot.block->host() + slot.offset);
    if (slot.read_only) region.flags |= KVM_MEM_READONLY;
    if (logging_ && !slot.read_only) region.flags |= KVM_MEM_LOG_DIRTY_PAGES;
    TRY(KVM_IOCTL(deps_.vm, KVM_SET_USER_MEMORY_REGION, &region)
            .context("memory slot of '{}' at {:#x}, size {:#x}", slot.block->id(), slot.address,
                     region.memory_size));
    return {};
}

Result<void> KvmMemory::start() {
    MutexLock lock(mutex_);
    logging_ = true;
    for (const auto& block : deps_.ram.blocks()) {
        block->dirty().clear_all();
        block->set_dirty_logging(true);
    }
    for (const Slot& slot : table_.slots())
        if (!slot.read_only) TRY(set_slot(slot, true));
    return {};
}

void KvmMemory::stop() {
    MutexLock lock(mutex_);
    if (!logging_) return;
    logging_ = false;
    for (const auto& block : deps_.ram.blocks())
        block->set_dirty_logging(false);
    for (const Slot& slot : table_.slots()) {
        // Logging that goes on costs the guest time and nothing else.
        if (slot.read_only) continue;
        if (auto result = set_slot(slot, true); !result)
            warn_report("{}", result.error().message());
    }
}

Result<void> KvmMemory::collect(std::vector<Bitmap>& into) {
    MutexLock lock(mutex_);
    QC_ASSERT(logging_ && into.size() == deps_.ram.blocks().size());
    for (const Slot& slot : table_.slots())
        if (!slot.read_only) TRY(collect_slot(slot, bitmap_of(into, *slot.block)));
    for (const auto& block : deps_.ram.blocks())
        block->dirty().drain_into(bitmap_of(into, *block));
    return {};
}

Result<void> KvmMemory::collect_slot(const Slot& slot, Bitmap& into) {
    // The kernel writes whole words, rounded up to 64 pages.
    const uint64_t words = (slot.page_count() + 63) / 64;
    words_.assign(words, 0);
    kvm_dirty_log log{};
    log.slot = slot.id;
    log.dirty_bitmap = words_.data();
    TRY(KVM_IOCTL(deps_.vm, KVM_GET_DIRTY_LOG, &log));
    if (std::ranges::none_of(words_, [](uint64_t word) { return word != 0; })) return {};
    or_bits(into, slot.offset / memory::kPageSize, words_, slot.page_count());
    if (!deps_.manual_clear) return {};
    kvm_clear_dirty_log clear{};
    clear.slot = slot.id;
    clear.first_page = 0;
    clear.num_pages = static_cast<uint32_t>(slot.page_count());
    clear.dirty_bitmap = words_.data();
    TRY(KVM_IOCTL(deps_.vm, KVM_CLEAR_DIRTY_LOG, &clear));
    return {};
}

Bitmap& KvmMemory::bitmap_of(std::vector<Bitmap>& into, const RamBlock& block) const {
    const auto& blocks = deps_.ram.blocks();
    auto found = std::ranges::find(blocks, &block, [](const auto& owned) { return owned.get(); });
    QC_ASSERT(found != blocks.end());
    return into[static_cast<size_t>(found - blocks.begin())];
}

}  // namespace qc::kvm
