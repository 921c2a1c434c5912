// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/outgoing.h"

#include "util/log.h"

namespace qc::migration {

Result<std::unique_ptr<Outgoing>> Outgoing::create(MigrationDeps& machine,
                                                   const SettingsStore& settings, Opener opener) {
    std::unique_ptr<Outgoing> self(new Outgoing(machine, settings, TRY(BreakPoint::create())));
    self->board_.begin();
    self->board_.advance(MigrationStatus::kNone, MigrationStatus::kSetup);
    self->thread_ =
        Thread("live_migration", [raw = self.get(), opener = std::move(opener)]() mutable {
            raw->thread_main(std::move(opener));
        });
    return self;
}

Outgoing::Outgoing(MigrationDeps& machine, const SettingsStore& settings,
                   std::unique_ptr<BreakPoint> breaks)
    : machine_(machine),
      settings_(settings),
      board_(machine.events, settings.events()),
      breaks_(std::move(breaks)) {}

Outgoing::~Outgoing() {
    stop();
}

void Outgoing::stop() {
    breaks_->break_all();
    if (thread_.joinable()) thread_.join();
}

void Outgoing::cancel() {
    {
        MutexLock lock(mutex_);
        if (told_to_run_) return;
        cancelled_ = true;
    }
    if (board_.advance(MigrationStatus::kSetup, MigrationStatus::kCancelling) ||
        board_.advance(MigrationStatus::kActive, MigrationStatus::kCancelling)) {
        breaks_->break_all();
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
    PrecopySource source({.machine = machine_,
                          .settings = settings_,
                          .board = board_,
                          .breaks = *breaks_,
                          .channel = *channel_});
    Result<void> result = run(source);
    if (!result) end_with_error(&source, result.error());
    breaks_->set_channel(nullptr);
    channel_->shutdown();
}

Result<void> Outgoing::connect(Opener& opener) {
    channel_ = TRY(opener(breaks_->interrupt()));
    breaks_->set_channel(channel_.get());
    return {};
}

Result<void> Outgoing::run(PrecopySource& source) {
    if (!board_.advance(MigrationStatus::kSetup, MigrationStatus::kActive)) {
        return fail("the migration was cancelled");
    }
    TRY(source.transfer());
    TRY(source.switch_over());
    if (!pass_point_of_no_return()) return fail("the migration was cancelled");
    return finish_plain(source);
}

// An error means that the destination will not run and this VM may.
Result<void> Outgoing::finish_plain(PrecopySource& source) {
    PrecopySource::Shut shut;
    // If the command to run cannot be written whole, it may still have arrived.
    if (Result<void> sent = source.send_go(); sent) {
        shut = source.await_shut();
    } else {
        shut = {PrecopySource::Ending::kUnknown, sent.error().message()};
    }
    if (shut.ending == PrecopySource::Ending::kRefused) {
        return fail("the destination could not run: {}", shut.error);
    }
    source.freeze()->disarm();
    if (Result<void> stopped = machine_.vm.set_state(runstate::RunState::kPostmigrate); !stopped) {
        error_report(stopped.error());
    }
    board_.end();
    if (shut.ending == PrecopySource::Ending::kRunning) {
        board_.advance(MigrationStatus::kActive, MigrationStatus::kCompleted);
    } else {
        board_.set_error(
            fmt::format("the destination was told to run and did not answer ({}): it may "
                        "be running, so this VM stays stopped",
                        shut.error));
        board_.advance(MigrationStatus::kActive, MigrationStatus::kFailed);
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
    if (!board_.advance(MigrationStatus::kSetup, MigrationStatus::kFailed) &&
        !board_.advance(MigrationStatus::kActive, MigrationStatus::kFailed)) {
        // A cancel slipped in between.
        board_.advance(MigrationStatus::kCancelling, MigrationStatus::kCancelled);
    }
}

}  // namespace qc::migration
