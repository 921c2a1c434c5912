// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/outgoing.h"

#include "migration/colo/driver_primary.h"
#include "util/log.h"

namespace qc::migration {

Result<std::unique_ptr<Outgoing>> Outgoing::create(const Deps& deps, Opener opener) {
    bool colo = deps.settings.capabilities().get(Capability::kXColo);
    std::unique_ptr<Outgoing> self(new Outgoing(deps, colo, TRY(BreakPoint::create())));
    self->board_.begin();
    self->board_.advance(MigrationStatus::kNone, MigrationStatus::kSetup);
    self->thread_ =
        Thread("live_migration", [raw = self.get(), opener = std::move(opener)]() mutable {
            raw->thread_main(std::move(opener));
        });
    return self;
}

Outgoing::Outgoing(const Deps& deps, bool colo, std::unique_ptr<BreakPoint> breaks)
    : deps_(deps),
      colo_(colo),
      board_(deps.machine.events, deps.settings.events()),
      breaks_(std::move(breaks)) {}

Outgoing::~Outgoing() {
    stop();
}

void Outgoing::stop() {
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        if (control_ != nullptr) {
            control_->quit();
        } else {
            breaks_->break_all();
        }
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
}

void Outgoing::yank() {
    breaks_->break_all();
    // Whoever looked before that has begun to wait when the mutex is free.
    {
        MutexLock lock(mutex_);
    }
    changed_.notify_all();
}

Result<void> Outgoing::go_on(MigrationStatus state) {
    MutexLock lock(mutex_);
    if (MigrationStatus now = board_.status(); now != state) {
        return fail("Migration not in expected state: {}", to_string(now));
    }
    if (state == MigrationStatus::kPreSwitchover) {
        may_switch_ = true;
        changed_.notify_all();
    }
    return {};
}

void Outgoing::with_colo(const std::function<void(colo::ColoControl&)>& function) {
    MutexLock lock(mutex_);
    if (control_ != nullptr) function(*control_);
}

void Outgoing::set_control(colo::ColoControl* control) {
    MutexLock lock(mutex_);
    control_ = control;
    if (control_ != nullptr && stopping_) control_->quit();
}

void Outgoing::cancel() {
    {
        MutexLock lock(mutex_);
        if (told_to_run_) return;
        cancelled_ = true;
    }
    if (board_.advance_any({MigrationStatus::kSetup, MigrationStatus::kActive,
                            MigrationStatus::kPreSwitchover, MigrationStatus::kDevice},
                           MigrationStatus::kCancelling)) {
        yank();
    }
}

bool Outgoing::pass_point_of_no_return() {
    MutexLock lock(mutex_);
    if (cancelled_) return false;
    told_to_run_ = true;
    return true;
}

void Outgoing::thread_main(Opener opener) {
    Result<void> connected = connect(opener);
    if (!connected) {
        end_with_error(nullptr, connected.error());
        return;
    }
    PrecopySource source({.machine = deps_.machine,
                          .settings = deps_.settings,
                          .board = board_,
                          .breaks = *breaks_,
                          .channel = *channel_,
                          .colo = colo_,
                          .multifd = multifd_.get(),
                          .session = session_,
                          .mapped = mapped_.get()});
    Result<void> result = run(source);
    if (!result) {
        // What broke one channel broke the others, and then the rest.
        std::optional<Error> first = multifd_ != nullptr ? multifd_->error() : std::nullopt;
        end_with_error(&source, first.value_or(result.error()));
    }
    multifd_.reset();
    mapped_.reset();
    breaks_->set_channel(nullptr);
    channel_->shutdown();
    // A command is waited for here, and credentials are let go.
    channel_.reset();
}

Result<void> Outgoing::connect(Opener& opener) {
    const Capabilities capabilities = deps_.settings.capabilities();
    if (capabilities.get(Capability::kMappedRam)) TRY(open_mapped_ram(opener));
    // The channels first: each introduces itself at once, whereas the stream has to
    // wait for all of them before it begins.
    if (capabilities.get(Capability::kMultifd)) TRY(connect_multifd(opener));
    if (channel_ != nullptr) return {};
    channel_ = TRY(opener(breaks_->interrupt()));
    breaks_->set_channel(channel_.get());
    return {};
}

// Everything goes into the file that is the stream's.
Result<void> Outgoing::open_mapped_ram(Opener& opener) {
    channel_ = TRY(opener(breaks_->interrupt()));
    breaks_->set_channel(channel_.get());
    io::RandomAccess* const file = channel_->random_access();
    if (file == nullptr) return needs_seekable(channel_->peer_name());
    if (deps_.settings.parameters().direct_io) {
        TRY(use_direct_io(*file, TRY(file->position())));
    }
    mapped_ = TRY(MappedRamWriter::create(*file, deps_.machine.ram));
    return {};
}

Result<void> Outgoing::connect_multifd(Opener& opener) {
    const Parameters parameters = deps_.settings.parameters();
    session_ = TRY(MultifdSession::random());
    bool zlib = parameters.multifd_compression == MultifdCompression::kZlib;
    multifd_ = TRY(MultifdSender::create(
        {.session = session_,
         .channels = parameters.multifd_channels,
         .compression = parameters.multifd_compression,
         .level = zlib ? parameters.multifd_zlib_level : parameters.multifd_zstd_level,
         .detect_zeros = parameters.zero_page_detection == ZeroPageDetection::kMultifd,
         .file = mapped_.get(),
         .zero_copy = deps_.settings.capabilities().get(Capability::kZeroCopySend)},
        deps_.machine.ram, *breaks_, [&] { return opener(breaks_->interrupt()); }));
    return {};
}

Result<void> Outgoing::run(PrecopySource& source) {
    if (!board_.advance(MigrationStatus::kSetup, MigrationStatus::kActive)) {
        return fail("the migration was cancelled");
    }
    // The guest's last state is what the host's restart must find.
    const bool stopped_first = deps_.settings.parameters().mode == MigrationMode::kCprReboot;
    if (stopped_first) TRY(source.stop_guest());
    TRY(source.transfer());
    if (!stopped_first) TRY(source.stop_guest());
    TRY(pause_before_switchover());
    TRY(source.switch_over());
    if (!pass_point_of_no_return()) return fail("the migration was cancelled");
    return colo_ ? run_colo(source) : finish_plain(source);
}

// The guest stands still already: what the user changes now (the disks' owners, say)
// is the last word.
Result<void> Outgoing::pause_before_switchover() {
    if (!deps_.settings.capabilities().get(Capability::kPauseBeforeSwitchover)) return {};
    if (!board_.advance(MigrationStatus::kActive, MigrationStatus::kPreSwitchover)) {
        return fail("the migration was cancelled");
    }
    {
        MutexLock lock(mutex_);
        while (!may_switch_) {
            if (breaks_->broken()) return fail("the migration was broken off");
            changed_.wait(mutex_);
        }
    }
    if (!board_.advance(MigrationStatus::kPreSwitchover, MigrationStatus::kDevice)) {
        return fail("the migration was cancelled");
    }
    return {};
}

// An error means that COLO was not entered: the secondary never takes over.
Result<void> Outgoing::run_colo(PrecopySource& source) {
    TRY(source.send_go());
    colo::PrimaryDriver driver({.machine = deps_.machine,
                                .settings = deps_.settings,
                                .board = board_,
                                .breaks = *breaks_,
                                .source = source,
                                .state = deps_.colo_state,
                                .statistics = deps_.colo_statistics});
    set_control(&driver);
    Result<void> result = driver.run();
    set_control(nullptr);
    return result;
}

// An error means that the destination will not run and this VM may.
Result<void> Outgoing::finish_plain(PrecopySource& source) {
    PrecopySource::Shut shut;
    if (!channel_->two_way()) {
        // Nobody answers, and nobody waits for a command: all is where it goes.
        shut.ending = PrecopySource::Ending::kRunning;
        // If the command to run cannot be written whole, it may still have arrived.
    } else if (Result<void> sent = source.send_go(); sent) {
        shut = source.await_shut();
    } else {
        shut = {PrecopySource::Ending::kUnknown, sent.error().message()};
    }
    if (shut.ending == PrecopySource::Ending::kRefused) {
        return fail("the destination could not run: {}", shut.error);
    }
    source.freeze()->disarm();
    if (Result<void> stopped = deps_.machine.vm.set_state(runstate::RunState::kPostmigrate);
        !stopped) {
        error_report(stopped.error());
    }
    board_.end();
    if (shut.ending == PrecopySource::Ending::kRunning) {
        board_.advance_any({MigrationStatus::kActive, MigrationStatus::kDevice},
                           MigrationStatus::kCompleted);
    } else {
        board_.set_error(
            fmt::format("the destination was told to run and did not answer ({}): it may "
                        "be running, so this VM stays stopped",
                        shut.error));
        board_.advance_any({MigrationStatus::kActive, MigrationStatus::kDevice},
                           MigrationStatus::kFailed);
    }
    return {};
}

void Outgoing::end_with_error(PrecopySource* source, const Error& error) {
    std::string message = error.message();
    if (source != nullptr) {
        if (!breaks_->broken()) {
            if (auto reason = source->destination_error()) {
                message = fmt::format("the destination gave up: {}", *reason);
            }
        }
        // The VM goes back to where it was before anybody hears that this is over.
        if (source->freeze()) source->freeze()->restore();
    }
    board_.guest_went_on();
    board_.end();
    if (board_.advance(MigrationStatus::kCancelling, MigrationStatus::kCancelled)) return;
    board_.set_error(std::move(message));
    if (!board_.advance_any({MigrationStatus::kSetup, MigrationStatus::kActive,
                             MigrationStatus::kPreSwitchover, MigrationStatus::kDevice},
                            MigrationStatus::kFailed)) {
        // A cancel slipped in between.
        board_.advance(MigrationStatus::kCancelling, MigrationStatus::kCancelled);
    }
}

}  // namespace qc::migration
