// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two machines for migration and COLO: a source (primary) and a destination
// (secondary) with the same configuration, on a unix or tcp channel. The directory
// outlives the pair.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/qtest/vm.h"

namespace qc::qtest {

enum class Transport : uint8_t { kUnix, kTcp };

struct PairConfig {
    VmConfig vm;  // name, incoming are set by the pair
    Transport transport = Transport::kTcp;
    // Set on both sides, after "events"; {"x-colo"} makes it a COLO pair.
    std::vector<std::string> capabilities;
    int checkpoint_delay_ms = 300;
    // Set on both sides before the destination listens: an object of JSON.
    std::string parameters = "{}";
    // A file that `migrate file:` wrote: the source goes on from there. Empty: it boots.
    std::string state;
};

class VmPair {
 public:
    // Starts both, sets capabilities and parameters on both; the destination listens.
    static Result<std::unique_ptr<VmPair>> start(const PairConfig& config,
                                                 const TempDir& directory);

    // A new secondary, instead of one that is dead, which listens at uri().
    Result<void> start_secondary(const std::string& name);

    // The secondary that took over becomes the primary of the next pair; the old one
    // is dead.
    Result<void> promote_secondary();

    Vm& primary() { return *primary_; }
    Vm& secondary() { return *secondary_; }
    // Where the destination listens, as `migrate` takes it.
    const std::string& uri() const { return uri_; }
    // From now on the primary goes by way of this address.
    void lead_through(std::string uri) { uri_ = std::move(uri); }

    // Waits until the guest prints, migrates, and waits for status `colo` and
    // for the secondary's guest to run.
    Result<void> enter_colo();
    // Waits until the secondary has resumed after this many more checkpoints.
    Result<void> wait_checkpoints(int count);
    // Waits for the STOP of a checkpoint on the secondary: one is going on.
    Result<void> wait_checkpoint_begin();

 private:
    VmPair(PairConfig config, const TempDir& directory)
        : config_(std::move(config)), directory_(directory) {}
    Result<void> set_up(Vm& vm) const;
    Result<void> set_up_primary();

    PairConfig config_;
    const TempDir& directory_;
    std::unique_ptr<Vm> primary_;
    std::unique_ptr<Vm> secondary_;
    std::string uri_;
};

// What is told to a survivor: break the connections (out of band), take over.
Result<void> take_over(Vm& survivor);

// Sets one migration parameter and reads it back.
Result<void> set_parameter(Vm& vm, const std::string& name, const Json& value);

}  // namespace qc::qtest
