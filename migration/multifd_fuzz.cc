// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whatever a peer sends over a multifd channel: the receiver ends with an error or
// waits for more, and stores nothing outside of the guest's memory. The first byte
// chooses the compression; with its highest bit the rest is preceded by a good
// head, so that the pages are reached.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "io/memory_channel.h"
#include "migration/multifd_ram_store.h"
#include "migration/multifd_receiver.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace qc;
    using namespace qc::migration;
    if (size == 0 || size > 65536) return 0;

    memory::RamList ram;
    if (!ram.create_block("pc.ram", 16 * memory::kPageSize, memory::RamBlock::Kind::kRam)) abort();
    const auto method = static_cast<MultifdCompression>((data[0] & 0x7f) % 3);
    std::vector<std::byte> bytes;
    if ((data[0] & 0x80) != 0) {
        const std::vector<PageSpan> normal = {{1, 2}, {9, 1}};
        const size_t raw = 3 * memory::kPageSize;
        encode_multifd_packet({.compression = method,
                               .payload_size = static_cast<uint32_t>(
                                   method == MultifdCompression::kNone ? raw : std::min(size, raw)),
                               .number = 1,
                               .block = "pc.ram",
                               .normal = normal},
                              bytes);
    }
    const auto rest = std::as_bytes(std::span(data + 1, size - 1));
    bytes.insert(bytes.end(), rest.begin(), rest.end());

    auto [theirs, ours] = io::MemoryChannel::create_pair(size_t{1} << 20);
    if (!bytes.empty() && !theirs->write_all(bytes)) abort();
    theirs.reset();
    std::vector<std::unique_ptr<io::Channel>> channels;
    channels.push_back(std::move(ours));
    MultifdRamStore store(ram);
    auto receiver = MultifdReceiver::start(ram, store, method, nullptr, std::move(channels));
    // The stream ends, so there is an error in the end, or a sync before it.
    while (receiver->wait_sync())
        receiver->release();
    return 0;
}
