// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/ram_loader.h"

#include <array>
#include <cstring>

#include "migration/stream_format.h"
#include "migration/xbzrle_codec.h"
#include "migration/zero_page.h"

namespace qc::migration {

RamLoader::RamLoader(const memory::RamList& ram) : ram_(ram), left_out_(ram.blocks().size()) {
    for (const auto& block : ram.blocks())
        arrived_.emplace_back(block->page_count());
}

Result<void> RamLoader::check_complete() {
    if (multifd_ != nullptr) {
        multifd_->take_arrived(arrived_);
        SentPages counts = multifd_->take_counts();
        normal_pages_ += counts.normal;
        zero_pages_ += counts.zero;
    }
    for (size_t i = 0; i < arrived_.size(); ++i) {
        size_t page = arrived_[i].find_next_clear(0);
        if (page < arrived_[i].size()) {
            return fail("RAM block '{}': page {} is missing", ram_.blocks()[i]->id(), page);
        }
    }
    return {};
}

Result<void> RamLoader::load_section(StreamReader& in, Section section) {
    if ((section == Section::kFirst) != !have_list_)
        return fail("the list of RAM blocks comes in the first section");
    for (;;) {
        uint64_t word = TRY(in.be64("RAM record"));
        uint64_t flags = word & kRamFlagsMask;
        uint64_t offset = word & ~kRamFlagsMask;
        if (flags == kRamEos && offset == 0) break;
        if (flags == kRamMemSize) {
            if (have_list_) return fail("a second list of RAM blocks");
            TRY(load_block_list(in, offset));
            continue;
        }
        if (flags == kRamMultifdFlush && offset == 0) {
            TRY(flush_multifd(section));
            continue;
        }
        if (flags == kRamMapped && offset == 0 && section == Section::kLast) {
            TRY(load_mapped(in));
            continue;
        }
        if (mapped_ != nullptr) return fail("RAM record {:#x} has no place with mapped-ram", word);
        uint64_t kind = flags & ~kRamContinue;
        // Differences come one by one.
        if (kind != (kRamXbzrle | kRamRun)) kind &= ~kRamRun;
        if (kind != kRamPage && kind != kRamZero && kind != kRamXbzrle) {
            return fail("RAM record {:#x} has unknown flags", word);
        }
        if (!have_list_) return fail("RAM pages before the list of blocks");
        TRY(load_pages(in, offset, flags));
    }
    if (!have_list_) return fail("the list of RAM blocks is missing");
    if (section == Section::kLast && multifd_ != nullptr && !multifd_held_) {
        return fail("the guest's memory ends without a flush of the multifd channels");
    }
    if (section == Section::kLast && mapped_ != nullptr && !mapped_loaded_) {
        return fail("the guest's memory ends without its bitmaps");
    }
    return {};
}

Result<void> RamLoader::flush_multifd(Section section) {
    if (multifd_ == nullptr) return fail("multifd is flushed, but there is none");
    TRY(multifd_->wait_sync());
    if (section == Section::kLast) {
        multifd_held_ = true;
    } else {
        multifd_->release();
    }
    return {};
}

Result<void> RamLoader::load_mapped(StreamReader& in) {
    if (mapped_ == nullptr || !have_list_ || mapped_loaded_)
        return fail("bitmaps of mapped-ram in the wrong place");
    std::vector<MappedSummary> summaries(arrived_.size());
    for (size_t index : list_order_) {
        summaries[index].pages = TRY(in.be64("number of pages"));
        summaries[index].hash = TRY(in.be64("hash of a bitmap"));
    }
    const std::vector<Bitmap> content = TRY(mapped_->load(summaries, left_out_));
    for (size_t i = 0; i < content.size(); ++i) {
        if (left_out_[i]) continue;
        normal_pages_ += content[i].count();
        zero_pages_ += content[i].size() - content[i].count();
        arrived_[i].set_all();
    }
    mapped_loaded_ = true;
    return {};
}

Result<void> RamLoader::load_block_list(StreamReader& in, uint64_t total) {
    if (total != ram_.total_bytes()) {
        return fail("the source has {} bytes of RAM and ROM, this machine {}", total,
                    ram_.total_bytes());
    }
    std::vector<bool> seen(ram_.blocks().size());
    layout_.blocks.resize(seen.size());
    for (uint64_t left = total; left > 0;) {
        std::string id = TRY(in.counted_string("RAM block's name"));
        uint64_t size = TRY(in.be64("RAM block's size"));
        size_t index = 0;
        while (index < seen.size() && ram_.blocks()[index]->id() != id)
            ++index;
        if (index == seen.size()) return fail("RAM block '{}' is unknown here", id);
        if (seen[index]) return fail("RAM block '{}' comes twice", id);
        if (size != ram_.blocks()[index]->size()) {
            return fail("RAM block '{}' has {} bytes at the source, {} here", id, size,
                        ram_.blocks()[index]->size());
        }
        if (have_addresses_) TRY(load_address(in, index));
        if (mapped_ != nullptr) {
            layout_.blocks[index].bitmap = TRY(in.be64("place of a bitmap"));
            layout_.blocks[index].pages = TRY(in.be64("place of a block's pages"));
        }
        list_order_.push_back(index);
        seen[index] = true;
        // Each of our blocks at most once: `left` cannot pass below zero.
        left -= size;
    }
    have_list_ = true;
    if (mapped_ == nullptr) return {};
    const uint64_t resume = TRY(in.be64("where the stream goes on"));
    if ((resume & kRamFlagsMask) != kRamMapped) return fail("the places of RAM blocks do not end");
    layout_.resume = resume & ~kRamFlagsMask;
    return mapped_->set_layout(layout_);
}

// Only the page's offset bits of an address can be flags.
Result<void> RamLoader::load_address(StreamReader& in, size_t index) {
    const memory::RamBlock& block = *ram_.blocks()[index];
    const uint64_t word = TRY(in.be64("RAM block's address"));
    const uint64_t flags = word % memory::kPageSize;
    const uint64_t address = word - flags;
    if ((flags & ~kBlockLeftOut) != 0) {
        return fail("RAM block '{}' has unknown flags {:#x}", block.id(), flags);
    }
    if (address != block.guest_address()) {
        return fail("RAM block '{}' is at guest address {:#x} at the source, {:#x} here",
                    block.id(), address, block.guest_address());
    }
    if (flags == 0) return {};
    if (!block.shared_by_name()) {
        return fail(
            "the source shares RAM block '{}' and does not send it (x-ignore-shared), but here it "
            "is not memory of a file that is shared: this side needs the same "
            "memory-backend-file with share=on",
            block.id());
    }
    left_out_[index] = true;
    arrived_[index].set_all();
    return {};
}

Result<void> RamLoader::load_pages(StreamReader& in, uint64_t offset, uint64_t flags) {
    TRY(select_block(in, flags));
    if (offset >= block_->size()) {
        return fail("RAM block '{}': offset {:#x} lies outside", block_->id(), offset);
    }
    if (left_out_[block_index_]) {
        return fail("RAM block '{}' was left out, and pages of it come", block_->id());
    }
    const uint64_t first = offset / memory::kPageSize;
    if (flags & kRamXbzrle) return load_difference(in, first);
    const uint64_t count = TRY(load_count(in, first, flags));
    if (flags & kRamZero) {
        uint8_t fill = TRY(in.u8("fill byte"));
        if (fill != 0) return fail("RAM block '{}': fill byte {:#x}", block_->id(), fill);
        store_zeros(first, count);
    } else {
        const std::span<std::byte> target = block_->pages(first, count);
        TRY(in.bytes(target, "RAM pages"));
        for (uint64_t page = first; page < first + count; ++page)
            block_->note_replaced(page);
        if (cache_ != nullptr) {
            std::memcpy(cache_->pages(block_index_, first, count).data(), target.data(),
                        target.size());
        }
        normal_pages_ += count;
    }
    arrived_[block_index_].set_range(first, count);
    return {};
}

Result<uint64_t> RamLoader::load_count(StreamReader& in, uint64_t first, uint64_t flags) {
    if (!(flags & kRamRun)) return 1;
    const uint32_t count = TRY(in.be32("number of pages"));
    if (count == 0 || count > block_->page_count() - first) {
        return fail("RAM block '{}': {} pages at offset {:#x} do not lie in it", block_->id(),
                    count, first * memory::kPageSize);
    }
    return count;
}

Result<void> RamLoader::load_difference(StreamReader& in, uint64_t page) {
    if (!arrived_[block_index_].test(page)) {
        return fail("RAM block '{}': page {} changes before it came", block_->id(), page);
    }
    uint8_t encoding = TRY(in.u8("encoding"));
    uint16_t length = TRY(in.be16("length of a page's difference"));
    if (encoding != kXbzrleEncoding || length > memory::kPageSize) {
        return fail("RAM block '{}': a difference of {} bytes in encoding {:#x}", block_->id(),
                    length, encoding);
    }
    std::array<std::byte, memory::kPageSize> encoded;
    std::array<std::byte, memory::kPageSize> changed;
    TRY(in.bytes(std::span(encoded).first(length), "page's difference"));
    std::span<std::byte> target = block_->page(page);
    std::memcpy(changed.data(), target.data(), target.size());
    TRY(xbzrle_decode(std::span(encoded).first(length), changed)
            .context("RAM block '{}': page {}", block_->id(), page));
    std::memcpy(target.data(), changed.data(), target.size());
    block_->note_replaced(page);
    if (cache_ != nullptr) {
        std::memcpy(cache_->pages(block_index_, page, 1).data(), target.data(), target.size());
    }
    return {};
}

Result<void> RamLoader::select_block(StreamReader& in, uint64_t flags) {
    if (flags & kRamContinue) {
        if (block_ == nullptr) return fail("RAM record continues a block that was never named");
        return {};
    }
    std::string id = TRY(in.counted_string("RAM block's name"));
    for (uint32_t i = 0; i < ram_.blocks().size(); ++i) {
        if (ram_.blocks()[i]->id() == id) {
            block_ = ram_.blocks()[i].get();
            block_index_ = i;
            return {};
        }
    }
    return fail("RAM block '{}' is unknown here", id);
}

void RamLoader::store_zeros(uint64_t first, uint64_t count) {
    for (uint64_t page = first; page < first + count; ++page) {
        std::span<std::byte> target = block_->page(page);
        // Untouched memory stays unallocated.
        if (is_zero_page(target)) continue;
        std::memset(target.data(), 0, target.size());
        block_->note_replaced(page);
    }
    if (cache_ != nullptr) cache_->clear_pages(block_index_, first, count);
    zero_pages_ += count;
}

}  // namespace qc::migration
