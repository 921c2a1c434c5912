// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two channels joined in memory, for tests and simulators: what one end writes
// the other reads. Each direction holds at most `capacity` bytes, then writers
// wait. Destroying an end ends the other's stream, as closing a socket does.
//
// Threading: as Channel; the ends may be in different threads. Not for event
// loops: there is no descriptor to watch.
#pragma once

#include <memory>
#include <utility>

#include "io/channel.h"

namespace qc::io {

class MemoryChannel final : public Channel {
 public:
    static constexpr size_t kDefaultCapacity = 256 * 1024;

    static std::pair<std::unique_ptr<MemoryChannel>, std::unique_ptr<MemoryChannel>> create_pair(
        size_t capacity = kDefaultCapacity);
    ~MemoryChannel() override;

    Result<std::optional<size_t>> try_read(Bytes buffer) override;
    using Channel::try_write;
    Result<std::optional<size_t>> try_write(std::span<const ConstBytes> parts) override;
    std::string peer_name() const override { return "memory"; }

 private:
    struct Pipe;
    MemoryChannel(std::shared_ptr<Pipe> in, std::shared_ptr<Pipe> out);
    WaitOutcome wait(FdEvents direction, Deadline deadline) override;
    void on_shutdown() noexcept override;

    // Shared by the two ends, which may die in any order in different threads.
    std::shared_ptr<Pipe> in_;
    std::shared_ptr<Pipe> out_;
};

}  // namespace qc::io
