// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/nvram/fw_cfg_core.h"

#include <algorithm>
#include <limits>

#include "util/assert.h"
#include "util/bytes.h"

namespace qc::hw {

namespace {
// The two upper bits of a key: write mode (gone since long) and architecture.
constexpr uint16_t kWriteMode = 0x4000;
constexpr size_t kDirectoryNameSize = 56;
// Bits of the item kId: the ports at 0x510, and DMA.
constexpr uint32_t kFeatures = 0x3;
}  // namespace

FwCfgCore::FwCfgCore() {
    ByteWriter signature;
    signature.bytes(std::as_bytes(std::span("QEMU", 4)));
    add(fw_cfg::kSignature, signature.take());
    ByteWriter id;
    id.le32(kFeatures);
    add(fw_cfg::kId, id.take());
    write_directory();
}

void FwCfgCore::add(uint16_t key, std::vector<std::byte> data) {
    QC_ASSERT(data.size() <= std::numeric_limits<uint32_t>::max());
    bool added = items_.emplace(key, std::move(data)).second;
    QC_ASSERT(added);
}

void FwCfgCore::add_file(std::string_view name, std::vector<std::byte> data) {
    QC_ASSERT(!name.empty() && name.size() <= kMaxFileName && files_.size() < kMaxFiles);
    QC_ASSERT(std::ranges::find(files_, name, &File::name) == files_.end());
    auto key = static_cast<uint16_t>(fw_cfg::kFirstFile + files_.size());
    files_.push_back({std::string(name), key, static_cast<uint32_t>(data.size())});
    add(key, std::move(data));
    write_directory();
}

void FwCfgCore::write_directory() {
    std::vector<File> sorted = files_;
    std::ranges::sort(sorted, {}, &File::name);
    ByteWriter out;
    out.be32(static_cast<uint32_t>(sorted.size()));
    for (const File& file : sorted) {
        out.be32(file.size);
        out.be16(file.key);
        out.be16(0);
        std::vector<std::byte> name(kDirectoryNameSize);
        std::ranges::copy(std::as_bytes(std::span(file.name)), name.begin());
        out.bytes(name);
    }
    items_[fw_cfg::kFileDirectory] = out.take();
}

std::span<const std::byte> FwCfgCore::item(uint16_t key) const {
    auto found = items_.find(key);
    if (found == items_.end()) return {};
    return found->second;
}

void FwCfgCore::select(uint16_t key) {
    state_.selector = static_cast<uint16_t>(key & ~kWriteMode);
    state_.offset = 0;
}

std::span<const std::byte> FwCfgCore::read(uint32_t bytes) {
    std::span<const std::byte> data = item(state_.selector);
    data = data.subspan(std::min<size_t>(state_.offset, data.size()));
    data = data.first(std::min<size_t>(bytes, data.size()));
    state_.offset += static_cast<uint32_t>(data.size());
    return data;
}

uint8_t FwCfgCore::read_byte() {
    std::span<const std::byte> data = read(1);
    return data.empty() ? 0 : std::to_integer<uint8_t>(data[0]);
}

void FwCfgCore::skip(uint32_t bytes) {
    (void)read(bytes);
}

Result<void> FwCfgCore::validate(const FwCfgState& state) const {
    if ((state.selector & kWriteMode) != 0) {
        return fail("fw_cfg selector {:#x} is impossible", state.selector);
    }
    if (state.offset > item(state.selector).size()) {
        return fail("fw_cfg offset {} is past the end of item {:#x}", state.offset, state.selector);
    }
    return {};
}

}  // namespace qc::hw
