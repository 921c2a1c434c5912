// SPDX-License-Identifier: GPL-2.0-or-later
//
// Whatever a source sends to a machine that waits for it: the load ends, with or
// without an error, and until it is committed no device has been touched.
//
// The first byte of an input chooses: 0 - the rest is the stream; else the rest
// is a list of changes to a stream that a machine has really sent, five bytes
// each: what, where (24 bits), value. 2 - the stream is a file of mapped-ram.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <vector>

#include "io/memory_channel.h"
#include "migration/migration.h"
#include "migration/precopy_loader.h"
#include "migration/test_file.h"
#include "migration/test_machine.h"

namespace {

using namespace qc;
using namespace qc::migration;

using Stream = std::vector<std::byte>;

constexpr uint64_t kPages = 24;
constexpr size_t kCapacity = size_t{4} << 20;

TestMachine::Config small_machine(bool incoming) {
    return {.ram_pages = kPages, .hot_pages = 4, .incoming = incoming};
}

// What a stopped machine sends, up to where it waits for an answer.
Stream record() {
    TestMachine source(small_machine(false));
    source.fill_cold_pages(3);
    source.device.state.bytes.assign(200, std::byte{7});
    Migration migration(source.deps());
    auto [ours, theirs] = io::MemoryChannel::create_pair(kCapacity);
    auto opener = [channel = std::move(theirs)](
                      const io::Interrupt*) mutable -> Result<std::unique_ptr<io::Channel>> {
        return std::move(channel);
    };
    Stream stream;
    if (!migration.migrate_over(std::move(opener))) std::abort();
    std::byte buffer[65536];
    while (auto count = ours->read_some(buffer, io::deadline_in_ms(stream.empty() ? 5000 : 300))) {
        if (*count == 0) break;
        stream.insert(stream.end(), buffer, buffer + *count);
    }
    ours.reset();
    migration.shut_down();
    if (stream.size() < kPages) std::abort();
    return stream;
}

constexpr Capabilities::Change kMappedRamOn{Capability::kMappedRam, true};

// What a stopped machine writes into a file of mapped-ram.
Stream record_file() {
    TestMachine source(small_machine(false));
    source.fill_cold_pages(3);
    Migration migration(source.deps());
    Stream contents;
    auto opener = [&contents](const io::Interrupt*) -> Result<std::unique_ptr<io::Channel>> {
        return std::make_unique<TestFile>(contents);
    };
    if (!migration.set_capabilities({&kMappedRamOn, 1})) std::abort();
    if (!migration.migrate_over(std::move(opener))) std::abort();
    if (!eventually([&] { return migration.info().status == MigrationStatus::kCompleted; })) {
        std::abort();
    }
    migration.shut_down();
    return contents;
}

void change(Stream& stream, uint8_t what, size_t where, uint8_t value) {
    if (stream.empty()) return;
    where %= stream.size();
    const auto at = stream.begin() + static_cast<ptrdiff_t>(where);
    const size_t count = std::min<size_t>(value + 1u, stream.size() - where);
    switch (what % 5) {
        case 0: *at = std::byte{value}; break;
        case 1: *at ^= static_cast<std::byte>(1u << (value % 8)); break;
        case 2: stream.resize(where); break;
        case 3: stream.erase(at, at + static_cast<ptrdiff_t>(count)); break;
        default: stream.insert(at, count, std::byte{value}); break;
    }
}

Stream make_stream(std::span<const uint8_t> input) {
    static const Stream recorded = record();
    static const Stream file = record_file();
    if (input[0] == 0) {
        const auto bytes = std::as_bytes(input.subspan(1));
        return {bytes.begin(), bytes.end()};
    }
    Stream stream = input[0] == 2 ? file : recorded;
    for (auto rest = input.subspan(1); rest.size() >= 5; rest = rest.subspan(5)) {
        change(stream, rest[0], size_t{rest[1]} << 16 | size_t{rest[2]} << 8 | rest[3], rest[4]);
    }
    return stream;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const Stream stream = make_stream({data, size});
    if (stream.size() > kCapacity) return 0;

    TestMachine machine(small_machine(true));
    machine.device.state.bytes.assign(10, std::byte{42});
    SettingsStore settings;
    std::unique_ptr<io::Channel> ours;
    Stream contents = stream;
    if (data[0] == 2) {
        Capabilities capabilities;
        if (!capabilities.apply({&kMappedRamOn, 1})) std::abort();
        settings.set_capabilities(capabilities);
        ours = std::make_unique<TestFile>(contents);
    } else {
        auto [theirs, end] = io::MemoryChannel::create_pair(kCapacity);
        if (!stream.empty() && !theirs->write_all(stream)) std::abort();
        ours = std::move(end);
    }
    StatusBoard board(machine.events, settings.events());
    MigrationDeps deps = machine.deps();
    PrecopyLoader loader({deps, settings, board, *ours});
    static_cast<void>(loader.load());
    if (machine.device.state.bytes != std::vector<std::byte>(10, std::byte{42})) std::abort();
    return 0;
}
