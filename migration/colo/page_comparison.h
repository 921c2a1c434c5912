// SPDX-License-Identifier: GPL-2.0-or-later
//
// On the primary, what of a checkpoint has to be sent to a secondary that keeps no
// cache: of the pages that the secondary's guest wrote, those whose hashes differ
// (or their pieces that differ); of those that only this side's guest wrote, all.
//
//   begin() note_written()... | begin_capture() | hash() note_hashes()... complete()
//   settle() send_pieces(); then RamSource::send() gives the rest
//
// Threading: the driver's thread; hashing is shared with threads of its own. Owned
// by the primary's driver.
#pragma once

#include <cstdint>
#include <vector>

#include "memory/ram_list.h"
#include "migration/colo/codec.h"
#include "migration/colo/compare_policy.h"
#include "migration/colo/page_hasher.h"
#include "migration/colo/page_index.h"
#include "migration/gather_writer.h"
#include "migration/ram_source.h"

namespace qc::migration::colo {

class PageComparison {
 public:
    PageComparison(const memory::RamList& ram, RamSource& source, const HashKey& key);

    // Another checkpoint, for which `compare` was asked for.
    void begin(Compare compare);
    // An error: there are no such pages here, or the list is out of order.
    Result<void> note_written(const PageList& list);
    const std::vector<Bitmap>& written() const { return written_; }

    // While the pages are captured.
    void hash();
    // An error: these are not what was listed, or asked for.
    Result<void> note_hashes(const PageHashesMessage& message);
    // All that can be compared is there.
    bool complete() const { return hashed_ && peer_words_.size() == own_words_.size(); }

    // Takes from what is pending whatever need not be sent as a whole page.
    ComparePolicy::Outcome settle();
    // Pages that differ only in places; the writer refers to them until end().
    void send_pieces(GatherWriter& writer, uint64_t epoch);
    // Everything is sent: lets go of the memory that was only for that.
    void end() { buffers_.clear(); }
    // Of everything that is sent, pieces and pages.
    Hash128 digest() const { return digest_.value(); }

    // With more pages, hashes of pages must do: pieces would need too much memory.
    static constexpr uint64_t kMostPagesInPieces = 65536;
    static Compare limited(Compare compare, uint64_t pages) {
        bool many = compare == Compare::kPieces && pages > kMostPagesInPieces;
        return many ? Compare::kPages : compare;
    }

 private:
    void hash_unlisted();
    void settle_page(uint32_t block, uint64_t page, uint64_t number,
                     ComparePolicy::Outcome& outcome);
    void gather(uint32_t block, std::span<const PiecePage> pages, GatherWriter& writer,
                uint64_t epoch);
    std::span<const uint64_t> words(const std::vector<uint64_t>& all, uint64_t number) const;

    const memory::RamList& ram_;
    RamSource& source_;
    PageHasher hasher_;
    Compare asked_ = Compare::kNothing;
    Compare compare_ = Compare::kNothing;  // asked_, limited
    std::vector<Bitmap> written_;          // by the secondary's guest
    uint64_t written_count_ = 0;
    // The end of the last run that was listed.
    uint32_t listed_block_ = 0;
    uint64_t listed_end_ = 0;
    bool hashed_ = false;
    PageIndex index_;
    std::vector<uint64_t> own_words_;
    std::vector<uint64_t> peer_words_;
    std::vector<std::vector<PiecePage>> patched_;  // a list for each block
    std::vector<std::vector<std::byte>> buffers_;  // what send_pieces() has referenced
    PagesDigest digest_;
};

}  // namespace qc::migration::colo
