// SPDX-License-Identifier: GPL-2.0-or-later
//
// The source of a live migration, phase by phase, on a channel that is open:
//
//   transfer()     header, RAM in passes while the guest runs, until the rest
//                  fits into the downtime limit
//   stop_guest()   it stands still from here on
//   switch_over()  last pages, device state; the destination has said that all is
//                  there and valid
//   send_go()      from here on this machine must not run unless the
//                  destination promises that it will not
//   await_shut()   the destination runs (not with COLO)
//
// An error before send_go() leaves the VM to the freeze guard, which puts it back
// to where it was.
//
// Threading: the migration's thread. Owned by Outgoing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "migration/auto_converge.h"
#include "migration/bandwidth.h"
#include "migration/break_point.h"
#include "migration/colo/pair_setup.h"
#include "migration/device_state.h"
#include "migration/gather_writer.h"
#include "migration/mapped_ram_writer.h"
#include "migration/migration_deps.h"
#include "migration/multifd_page_sink.h"
#include "migration/multifd_sender.h"
#include "migration/precopy_page_sink.h"
#include "migration/ram_source.h"
#include "migration/return_path.h"
#include "migration/settings_store.h"
#include "migration/status_board.h"
#include "migration/stream_reader.h"
#include "migration/xbzrle_page_sink.h"

namespace qc::migration {

class PrecopySource {
 public:
    struct Deps {
        MigrationDeps& machine;
        const SettingsStore& settings;
        StatusBoard& board;
        BreakPoint& breaks;
        io::Channel& channel;
        bool colo = false;
        // The channels for pages, if there are; their session.
        MultifdSender* multifd = nullptr;
        MultifdSession session{};
        // Where pages go instead, with mapped-ram; with multifd its threads write there.
        MappedRamWriter* mapped = nullptr;
    };
    explicit PrecopySource(const Deps& deps);
    ~PrecopySource();

    Result<void> transfer();
    Result<void> stop_guest();
    Result<void> switch_over();
    Result<void> send_go();

    enum class Ending : uint8_t { kRunning, kRefused, kUnknown };
    struct Shut {
        Ending ending = Ending::kUnknown;
        std::string error;  // not for kRunning
    };
    Shut await_shut();

    // After a failure: what the destination said about it, if it said something.
    std::optional<std::string> destination_error();

    // For what goes on with the same connection and the same bookkeeping: COLO.
    GatherWriter& writer() { return writer_; }
    StreamReader& reader() { return reader_; }
    RamSource& ram() { return ram_; }
    DeviceStates& devices() { return devices_; }
    // What the destination was told, if `colo`; valid after transfer().
    const colo::PairSetup& pair_setup() const { return pair_setup_; }
    MultifdSender* multifd() { return deps_.multifd; }
    // With the capability xbzrle; else null. It remembers what the destination has.
    XbzrlePageSink* xbzrle() { return xbzrle_ ? &*xbzrle_ : nullptr; }
    // After stop_guest(): keeps the VM stopped.
    std::optional<runstate::FreezeGuard>& freeze() { return freeze_; }
    uint64_t passes() const { return passes_; }

 private:
    // Pages in one section: small enough to look at the clock in between.
    static constexpr uint64_t kPagesPerSection = 256;

    void write_header();
    void write_capabilities();
    std::string describe_header() const;
    void write_uuid();
    void write_processors();
    Result<void> write_block_list();
    void write_command(StreamCommand command);
    Result<void> iterate();
    Result<void> slow_guest_down();
    Result<bool> switchover_acknowledged();
    Result<bool> converged(const Bandwidth& bandwidth);
    // Not sent yet, or on its way in the channels' queues.
    uint64_t pending_bytes() const;
    Result<void> sync();
    Result<void> write_barrier();
    void update_counters();
    uint64_t bytes_put() const;
    uint64_t bytes_accounted();
    Result<void> remember_pages();
    RamPageSink& page_sink();
    Result<void> send_ram_section(StreamItem item, uint64_t max_pages);
    Result<void> send_devices();
    void begin_section(StreamItem item, uint32_t id);
    void end_section(uint32_t id);
    void update_rates(const Bandwidth& bandwidth);
    Result<ReturnReply> await_reply();
    int64_t now_ns() const { return clock_.now_ns(); }

    Deps deps_;
    colo::PairSetup pair_setup_;
    RealtimeClock clock_;
    GatherWriter writer_;
    StreamReader reader_;
    RamSource ram_;
    PrecopyPageSink sink_;
    std::optional<MultifdPageSink> multifd_sink_;
    bool zeros_in_stream_ = true;
    const bool leaves_out_shared_;
    const bool sends_uuid_;
    // Pages were sent that no barrier separates from the next pass.
    bool needs_barrier_ = false;
    uint64_t stream_normal_pages_ = 0;
    uint64_t stream_zero_pages_ = 0;
    uint64_t accounted_ = 0;
    std::optional<XbzrlePageSink> xbzrle_;  // in front of sink_
    DeviceStates devices_;
    std::optional<runstate::FreezeGuard> freeze_;
    runstate::RunState run_state_ = runstate::RunState::kRunning;
    // The destination has not said yet that it is ready for the switchover.
    bool ack_awaited_ = false;
    uint64_t passes_ = 0;
    AutoConverge auto_converge_;
    int64_t period_start_ns_ = 0;
    uint64_t period_sent_ = 0;
    uint64_t period_pages_ = 0;
    // For dirty-pages-rate.
    int64_t rate_start_ns_ = 0;
    uint64_t rate_pages_ = 0;
    uint64_t sent_pages_ = 0;
    uint64_t sent_pages_before_ = 0;
    int64_t sent_pages_since_ns_ = 0;
};

}  // namespace qc::migration
