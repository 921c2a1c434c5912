// SPDX-License-Identifier: GPL-2.0-or-later
//
// The interpreter's loop: finds or builds the next block, runs it, and between two
// blocks sees to requests, traps, interrupts and exceptions.
//
//        +-> requests? --> serve, perhaps leave
//        |   trap, shadow, breakpoint? --> one instruction
//        |   next block: chained, in the jump table, decoded before, or now
//        |   run it
//        +-- exception? --> deliver
//
// Threading: the vCPU's thread. Owned by TcgVcpu.
#pragma once

#include <cstdint>

#include "accel/tcg/block_cache.h"
#include "accel/tcg/cpu.h"
#include "accel/tcg/decoder.h"

namespace qc::accel::tcg {

// What the loop leaves to its owner.
class EngineEvents {
 public:
    virtual ~EngineEvents() = default;
    // Serves the requests in `bits` that are not about interrupts; clears them.
    virtual void serve_requests(uint32_t bits) = 0;
    // INIT and start-up IPI.
    virtual void take_init() = 0;
    virtual void take_startup() = 0;
};

enum class StopReason : uint8_t { kKicked, kHalted };

class Engine {
 public:
    Engine(Cpu& cpu, BlockCache& blocks, EngineEvents& events)
        : cpu_(cpu), blocks_(blocks), events_(events), decoder_(cpu.env.model) {}

    // Runs until a kick or HLT.
    StopReason run();

    // Something changed the processor from outside: nothing found before counts.
    void forget();

 private:
    enum class Served : uint8_t { kGoOn, kLeave };
    Served serve();
    void deliver_interrupt();
    void deliver_injected();
    void run_single();
    bool exceeds_limit(const Block& block) const;
    void settle_exception();
    Block* find_block(uint32_t mode);
    Block* find_decoded(const FetchEntry& entry, uint64_t linear, uint32_t mode);
    Block* build_block(const FetchEntry& entry, uint64_t linear, uint32_t mode);
    Block* build_elsewhere(uint64_t linear, uint64_t physical, uint32_t mode);
    bool decode_one(Block& block, const FetchEntry& entry, uint64_t linear, uint32_t mode,
                    bool& ends);
    bool decode_across(Block& block, const FetchEntry& entry, uint64_t linear, uint32_t mode,
                       unsigned on_page, bool& ends);
    unsigned bytes_to_limit(uint64_t rip) const;
    static void append(Block& block, Op op);
    bool look_at_page(uint64_t linear, FetchEntry& entry, uint64_t& physical);

    Cpu& cpu_;
    BlockCache& blocks_;
    EngineEvents& events_;
    Decoder decoder_;
};

}  // namespace qc::accel::tcg
