// SPDX-License-Identifier: GPL-2.0-or-later
//
// The destination of a migration, phase by phase, on a channel that is open:
//
//   load()      everything up to EOF: RAM is stored as it comes (this machine does
//               not run), device state is staged
//   await_go()  tells the source that all is there; returns when the source
//               can never run again. A stream without a way back is complete with
//               its description: there is nobody to tell
//   commit()    device state becomes the machine's
//
// Threading: the incoming thread. Owned by Incoming.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "migration/colo/pair_setup.h"
#include "migration/colo/ram_cache.h"
#include "migration/device_state.h"
#include "migration/gather_writer.h"
#include "migration/mapped_ram_loader.h"
#include "migration/migration_deps.h"
#include "migration/multifd_colo.h"
#include "migration/multifd_gate.h"
#include "migration/multifd_receiver.h"
#include "migration/ram_loader.h"
#include "migration/settings_store.h"
#include "migration/status_board.h"
#include "migration/stream_format.h"
#include "migration/stream_reader.h"

namespace qc::migration {

class PrecopyLoader {
 public:
    struct Deps {
        MigrationDeps& machine;
        const SettingsStore& settings;
        StatusBoard& board;
        io::Channel& channel;
        // With multifd: where the channels come from; `channel` is the stream that it
        // found, whose magic number it has read.
        MultifdGate* gate = nullptr;
        BreakPoint* breaks = nullptr;
    };
    explicit PrecopyLoader(const Deps& deps);

    Result<void> load();
    Result<void> await_go();
    Result<void> commit();

    // After commit(): it worked, or `error` says why this machine will not run.
    // Nothing is sent to a source that does not listen.
    void send_shut(const std::string& error);

    // The channels of multifd and where they store, for COLO: held. Null without.
    struct Multifd {
        std::unique_ptr<MultifdColo> store;
        std::unique_ptr<MultifdReceiver> receiver;
    };
    Multifd take_multifd() { return {std::move(colo_store_), std::move(multifd_)}; }

    bool has_return_path() const { return return_path_; }
    bool colo() const { return cache_ != nullptr; }
    StreamReader& reader() { return reader_; }
    GatherWriter& writer() { return writer_; }
    DeviceStates& devices() { return devices_; }
    // With colo().
    const colo::PairSetup& pair_setup() const { return pair_setup_; }
    std::unique_ptr<colo::RamCache> take_cache() { return std::move(cache_); }

 private:
    struct Section {
        std::string name;
        bool ended = false;
    };

    Result<void> load_stream();
    Result<void> load_header();
    Result<bool> load_item();  // false: it was EOF
    Result<void> load_configuration();
    Result<void> load_subsection();
    Result<void> load_capabilities();
    Result<void> load_uuid();
    Result<void> load_processors();
    Result<void> check_processors() const;
    Result<void> check_shared();
    Result<void> load_command();
    Result<void> acknowledge_switchover();
    Result<void> enable_colo();
    Result<void> enable_multifd();
    Result<void> enable_mapped_ram();
    bool mapped_wanted() const;
    Result<void> load_section_start(uint32_t id);
    Result<void> load_section_more(uint32_t id, StreamItem item);
    Result<void> load_section_full(uint32_t id);
    Result<void> load_footer(uint32_t id);
    Result<void> skip_description();
    Result<void> await_description();

    Deps deps_;
    StreamReader reader_;
    GatherWriter writer_;
    RamLoader ram_;
    DeviceStates devices_;
    colo::PairSetup pair_setup_;
    std::unique_ptr<colo::RamCache> cache_;
    // One of the two, if there is multifd.
    std::unique_ptr<MultifdRamStore> ram_store_;
    std::unique_ptr<MultifdColo> colo_store_;
    std::unique_ptr<MultifdReceiver> multifd_;
    // If there is mapped-ram; where the stream begins in its file.
    std::optional<MappedRamLoader> mapped_;
    uint64_t stream_base_ = 0;
    std::unordered_map<uint32_t, Section> sections_;
    bool configured_ = false;
    bool return_path_ = false;
    bool uuid_checked_ = false;
    std::optional<Processors> processors_;  // the source's, if it told
    bool ignores_shared_ = false;
    bool ack_wanted_ = false;
    bool ram_started_ = false;
    bool ram_ended_ = false;
};

}  // namespace qc::migration
