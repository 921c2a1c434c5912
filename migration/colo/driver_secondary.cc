// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/colo/driver_secondary.h"

#include <algorithm>
#include <utility>

#include "migration/colo/hashes.h"
#include "migration/colo/page_comparison.h"
#include "migration/colo/page_index.h"
#include "migration/colo/ram_commit.h"
#include "migration/ram_source.h"
#include "migration/trace.h"
#include "util/log.h"

namespace qc::migration::colo {

namespace {

constexpr std::string_view kSide = "secondary";
// While a lot arrives, the state machine hears of it at least so often.
constexpr int64_t kProgressMs = 1000;

// Calls `work` with a set of pages, as lists that fit into one message each.
template <typename Work>
void for_each_list(const std::vector<Bitmap>& pages, const Work& work) {
    PageList list;
    auto flush = [&] {
        if (list.pages > 0) work(std::exchange(list, {}));
    };
    for (PageRange range : page_ranges(pages)) {
        while (range.count > 0) {
            if (list.block != range.block || list.runs.size() == kMaxRuns ||
                list.pages == kMaxZeroPagesPerMessage) {
                flush();
            }
            const uint64_t count =
                std::min<uint64_t>(range.count, kMaxZeroPagesPerMessage - list.pages);
            list.block = range.block;
            list.pages += static_cast<uint32_t>(count);
            list.runs.push_back({range.first, static_cast<uint32_t>(count)});
            range.first += count;
            range.count -= count;
        }
    }
    flush();
}

}  // namespace

SecondaryDriver::SecondaryDriver(const Deps& deps, const PairSetup& setup,
                                 std::unique_ptr<RamCache> cache, PrecopyLoader::Multifd multifd)
    : deps_(deps),
      hasher_(setup.key),
      cache_(std::move(cache)),
      multifd_(std::move(multifd)),
      receiver_(deps.machine.ram, *cache_, setup.key),
      link_(deps.loader.writer(), deps.loader.reader(), deps.breaks),
      phases_(kSide, deps.statistics),
      fsm_(clock_.now_ns() / 1'000'000, diverged()),
      written_(make_page_bitmaps(deps.machine.ram)) {}

SecondaryDriver::~SecondaryDriver() = default;

Result<void> SecondaryDriver::run() {
    link_.start(*this);
    if (multifd_.receiver != nullptr) open_multifd();
    carry_out(fsm_.take_actions());
    while (!fsm_.done()) {
        if (!answers_.empty()) {
            Fsm::Input answer = std::move(answers_.front());
            answers_.pop_front();
            step(std::move(answer));
        } else if (std::optional<Fsm::Input> input = inbox_.take(next_deadline())) {
            step(std::move(*input));
        } else {
            fsm_.tick(now_ms());
            carry_out(fsm_.take_actions());
        }
    }
    link_.close();
    link_.join();
    multifd_.receiver.reset();
    stop_dirty_log();
    if (dead_) return fail("{}", *dead_);
    return {};
}

io::Deadline SecondaryDriver::next_deadline() const {
    std::optional<int64_t> at_ms = fsm_.next_deadline_ms();
    if (!at_ms) return io::kNoDeadline;
    return io::deadline_in_ms(std::max<int64_t>(*at_ms - now_ms(), 0));
}

void SecondaryDriver::step(Fsm::Input input) {
    if (auto* arrived = std::get_if<Fsm::PagesArrived>(&input)) {
        record_.traffic.pages += arrived->pages;
        record_.traffic.zero_pages += arrived->zero_pages;
        record_.traffic.pages_patched += arrived->patched;
    } else if (auto* peer = std::get_if<PeerMessage>(&input)) {
        if (auto* checkpoint = std::get_if<CheckpointMessage>(&peer->message)) {
            record_.epoch = peer->epoch;
            record_.cause = checkpoint->cause;
            // What was sent ahead in this epoch has been counted already.
            record_.traffic.pages_ahead = record_.traffic.pages;
        } else if (auto* commit = std::get_if<CommitMessage>(&peer->message)) {
            commit_ = *commit;
            record_.traffic.pages_skipped = commit->equal;
            phases_.end(Phase::kTransfer, fsm_.epoch());
        }
    }
    fsm_.step(input, now_ms());
    // After the state machine has counted them.
    if (auto* peer = std::get_if<PeerMessage>(&input)) {
        if (auto* devices = std::get_if<DevicesMessage>(&peer->message)) {
            arrived_ = std::move(devices->components);
        }
    }
    carry_out(fsm_.take_actions());
}

void SecondaryDriver::carry_out(const std::vector<Fsm::Action>& actions) {
    trace::colo_state(kSide, fsm_.epoch(), static_cast<unsigned>(fsm_.state()));
    for (const Fsm::Action& action : actions)
        std::visit([this](const auto& a) { act(a); }, action);
}

void SecondaryDriver::act(const Send& action) {
    // If the primary is gone the reader says so; what follows is carried out anyhow.
    (void)link_.send(action.epoch, action.message);
}

void SecondaryDriver::act(const Fsm::EnterColo&) {
    if (Result<void> entered = enter(); !entered) {
        answers_.push_back(HostFailed{entered.error().message()});
    }
}

Result<void> SecondaryDriver::enter() {
    deps_.statistics.begin(ColoMode::kSecondary);
    TRY(deps_.machine.dirty_log.start().context("starting to track guest writes"));
    dirty_log_on_ = true;
    deps_.state.enter(ColoMode::kSecondary);
    holds_shutdown_ = true;
    deps_.board.advance(MigrationStatus::kActive, MigrationStatus::kColo);
    bytes_at_start_ = bytes_received();
    return deps_.machine.vm.start();
}

void SecondaryDriver::act(const Fsm::Freeze&) {
    if (Result<void> frozen = freeze(); !frozen) {
        answers_.push_back(HostFailed{frozen.error().message()});
    }
}

Result<void> SecondaryDriver::freeze() {
    phases_.begin(Phase::kPause, fsm_.epoch());
    phases_.begin(Phase::kStop, fsm_.epoch());
    freeze_.emplace(TRY(deps_.machine.vm.freeze(runstate::RunState::kColo)));
    phases_.end(Phase::kStop, fsm_.epoch());
    if (!diverged()) phases_.begin(Phase::kTransfer, fsm_.epoch());
    return {};
}

Result<void> SecondaryDriver::collect_written() {
    for (Bitmap& bitmap : written_)
        bitmap.clear_all();
    return deps_.machine.dirty_log.collect(written_).context("collecting guest writes");
}

void SecondaryDriver::act(const Fsm::ListWritten&) {
    if (!freeze_) return;  // freezing failed, which is being told
    phases_.begin(Phase::kHarvest, fsm_.epoch());
    if (Result<void> collected = collect_written(); !collected) {
        answers_.push_back(Fsm::ListFailed{collected.error().message()});
        return;
    }
    for_each_list(written_, [this](PageList list) {
        link_.writer().copy(encode(fsm_.epoch(), WrittenMessage{std::move(list)}));
    });
    phases_.end(Phase::kHarvest, fsm_.epoch());
    answers_.push_back(Fsm::Listed{});
}

void SecondaryDriver::act(const Fsm::SendPageHashes& action) {
    phases_.begin(Phase::kCompare, action.epoch);
    const PageIndex index(written_);
    const Compare compare = PageComparison::limited(action.compare, index.count());
    const size_t width = hash_words(compare);
    std::vector<uint64_t> words(index.count() * width);
    share_pages(index.ranges(), "colo/hash", [&](const PageRange& range) {
        uint64_t number = index.number(range.block, range.first);
        for (uint64_t page = range.first; page < range.first + range.count; ++page, ++number) {
            hasher_.words(compare, deps_.machine.ram.blocks()[range.block]->page(page),
                          std::span(words).subspan(number * width, width));
        }
    });
    record_.traffic.pages_compared = index.count();
    for (std::span<const uint64_t> rest = words; !rest.empty();) {
        const size_t count = std::min<size_t>(rest.size(), kMaxPagesPerMessage * width);
        const PageHashesMessage message{compare, {rest.begin(), rest.begin() + count}};
        link_.writer().copy(encode(action.epoch, message));
        rest = rest.subspan(count);
    }
    // If the primary is gone the reader says so.
    (void)link_.flush();
    phases_.end(Phase::kCompare, action.epoch);
    phases_.begin(Phase::kTransfer, action.epoch);
}

void SecondaryDriver::act(const Fsm::Stage&) {
    deps_.state.load_begins();
    Result<void> staged = stage();
    if (staged) {
        answers_.push_back(Fsm::Staged{});
        return;
    }
    deps_.state.load_ended();
    answers_.push_back(Fsm::StageFailed{staged.error().message()});
}

Result<void> SecondaryDriver::stage() {
    if (diverged()) {
        phases_.begin(Phase::kVerify, fsm_.epoch());
        TRY(receiver_.check_staged(commit_, written_));
        phases_.end(Phase::kVerify, fsm_.epoch());
        return stage_devices();
    }
    phases_.begin(Phase::kHarvest, fsm_.epoch());
    TRY(collect_written());
    TRY(stage_devices());
    phases_.end(Phase::kHarvest, fsm_.epoch());
    return {};
}

Result<void> SecondaryDriver::stage_devices() {
    DeviceStates& devices = deps_.loader.devices();
    devices.drop_staged();
    for (ComponentState& component : arrived_) {
        if (component.unchanged) {
            auto before = std::ranges::find_if(loaded_, [&](const ComponentState& c) {
                return c.name == component.name && c.instance == component.instance;
            });
            if (before == loaded_.end()) {
                return fail("the state of '{}' is said to be unchanged, but there was none",
                            component_label(component.name, component.instance));
            }
            component.version = before->version;
            component.data = before->data;
            ++record_.traffic.components_skipped;
        } else {
            ++record_.traffic.components_sent;
        }
        TRY(devices.stage(component.name, component.instance, component.version, component.data));
    }
    return devices.check_complete();
}

void SecondaryDriver::act(const Fsm::Load&) {
    Result<void> loaded = load();
    deps_.state.load_ended();
    if (loaded) {
        answers_.push_back(Fsm::LoadDone{});
    } else {
        answers_.push_back(Fsm::LoadFailed{loaded.error().message()});
    }
}

void SecondaryDriver::load_pages() {
    if (diverged()) {
        commit_pages(deps_.machine.ram, *cache_, receiver_.received());
        receiver_.patches().apply(deps_.machine.ram);
        return;
    }
    // What the guest wrote here is undone by what the primary's holds there.
    std::vector<Bitmap> pages = receiver_.received();
    for (size_t i = 0; i < pages.size(); ++i)
        pages[i].or_with(written_[i]);
    commit_pages(deps_.machine.ram, *cache_, pages);
}

Result<void> SecondaryDriver::load() {
    phases_.begin(Phase::kCommit, fsm_.epoch());
    load_pages();
    TRY(deps_.loader.devices().commit());
    loaded_ = std::exchange(arrived_, {});
    for (ComponentState& component : loaded_)
        component.unchanged = false;
    // The guest that wanted to be shut down was overwritten.
    deps_.machine.requests.drop_deferred();
    phases_.end(Phase::kCommit, fsm_.epoch());
    record_.traffic.bytes = bytes_received() - bytes_at_start_;
    bytes_at_start_ = bytes_received();
    receiver_.reopen();
    if (multifd_.receiver != nullptr) {
        multifd_epoch_ = fsm_.epoch() + 1;
        multifd_.receiver->release();
    }
    return {};
}

void SecondaryDriver::act(const Fsm::SendHashes& action) {
    Result<std::vector<SavedComponent>> saved =
        deps_.loader.devices().save(runstate::RunState::kRunning);
    if (!saved) {
        warn_report("COLO verification: {}", saved.error().message());
        return;
    }
    (void)link_.send(action.epoch, hash_machine(deps_.machine.ram, *saved));
    deps_.statistics.add_verified();
}

void SecondaryDriver::act(const ReleaseGuest&) {
    if (!freeze_) return;
    phases_.begin(Phase::kResume, record_.epoch);
    freeze_->restore();
    freeze_.reset();
    phases_.end(Phase::kResume, record_.epoch);
    record_.pause_us = phases_.end(Phase::kPause, record_.epoch) / 1000;
    if (fsm_.epoch() == record_.epoch + 1) {
        deps_.statistics.add_checkpoint(record_);
        record_ = {};
    }
}

void SecondaryDriver::act(const Fsm::DropCheckpoint&) {
    deps_.loader.devices().drop_staged();
    arrived_.clear();
    if (freeze_) deps_.statistics.add_aborted();
}

void SecondaryDriver::act(const Fsm::FollowReset&) {
    deps_.machine.requests.request_reset(runstate::ShutdownCause::kGuestReset);
}

void SecondaryDriver::act(const Fsm::FollowShutdown&) {
    deps_.machine.requests.request_shutdown(runstate::ShutdownCause::kGuestShutdown);
}

void SecondaryDriver::act(const Fsm::Die& action) {
    dead_ = action.why;
    // What stands still must not go on.
    if (freeze_) freeze_->disarm();
    freeze_.reset();
    deps_.state.leave();
    holds_shutdown_ = false;
}

void SecondaryDriver::act(const CarryOutRequests&) {
    deps_.machine.requests.release_deferred();
}
void SecondaryDriver::act(const CloseLink&) {
    link_.close();
}

void SecondaryDriver::act(const ReportExit& action) {
    trace::colo_exit(kSide, action.why);
    if (action.reason == ColoExitReason::kError) {
        deps_.board.set_error(action.why);
        deps_.machine.events.colo_failed(ColoMode::kSecondary, action.why);
        if (fsm_.state() == Fsm::State::kLost) deps_.state.end_link(ColoLink::kLost);
    }
    deps_.machine.events.colo_exited(ColoMode::kSecondary, action.reason);
}

void SecondaryDriver::act(const Finish& action) {
    phases_.forget_all();
    switch (action.kind) {
        case Finish::Kind::kWentOn: take_over(); break;
        case Finish::Kind::kShutDown:
            deps_.statistics.add_checkpoint(record_);
            freeze_->disarm();
            freeze_.reset();
            deps_.board.end();
            deps_.state.leave();
            deps_.board.advance(MigrationStatus::kColo, MigrationStatus::kCompleted);
            break;
        case Finish::Kind::kQuit:
            if (freeze_) freeze_->disarm();
            freeze_.reset();
            deps_.state.leave();
            break;
    }
    holds_shutdown_ = false;
    act(CarryOutRequests{});
}

// The status changes while the guest stands still, so that nobody sees it run on
// alone before that is known.
void SecondaryDriver::take_over() {
    if (!freeze_) {
        if (auto guard = deps_.machine.vm.freeze(runstate::RunState::kColo)) {
            freeze_.emplace(std::move(*guard));
        }
    }
    stop_dirty_log();
    deps_.board.end();
    trace::colo_failover(kSide, "completed");
    deps_.board.advance(MigrationStatus::kColo, MigrationStatus::kCompleted);
    if (freeze_) freeze_->restore();
    freeze_.reset();
    deps_.state.leave();
}

void SecondaryDriver::stop_dirty_log() {
    if (std::exchange(dirty_log_on_, false)) deps_.machine.dirty_log.stop();
}

Result<void> SecondaryDriver::pages_arrive(const Header& header, StreamReader& in) {
    if (header.epoch != pages_epoch_) post_arrived_pages();
    pages_epoch_ = header.epoch;
    TRY(receiver_.receive(header, in));
    deps_.state.heard();
    if (now_ms() - pages_posted_ms_ >= kProgressMs) post_arrived_pages();
    return {};
}

void SecondaryDriver::post_arrived_pages() {
    Fsm::PagesArrived arrived{.epoch = pages_epoch_,
                              .pages = receiver_.take_pages(),
                              .zero_pages = receiver_.take_zero_pages(),
                              .patched = receiver_.take_patched()};
    pages_posted_ms_ = now_ms();
    if (arrived.pages + arrived.zero_pages + arrived.patched > 0) inbox_.post(arrived);
}

Result<void> SecondaryDriver::message_arrives(PeerMessage message) {
    constexpr size_t kMostWaiting = 1024;
    if (inbox_.size() > kMostWaiting) return fail("the primary sends too many messages");
    deps_.state.heard();
    post_arrived_pages();
    // The driver copies from the cache when it sees this.
    if (std::holds_alternative<CommitMessage>(message.message)) {
        if (multifd_.receiver != nullptr) TRY(finish_multifd());
        receiver_.close();
    }
    inbox_.post(std::move(message));
    return {};
}

// The first epoch's pages may come; before this, nobody could have sent one.
void SecondaryDriver::open_multifd() {
    multifd_epoch_ = 1;
    multifd_.store->enter_colo();
    multifd_.receiver->set_handlers([this](const std::string& why) { inbox_.post(PeerLost{why}); },
                                    [this] { multifd_progressed(); });
    multifd_.receiver->release();
}

// While a lot arrives there is nothing on the link that says so.
void SecondaryDriver::multifd_progressed() {
    int64_t now = now_ms();
    int64_t before = multifd_posted_ms_.load();
    if (now - before < kProgressMs) return;
    if (!multifd_posted_ms_.compare_exchange_strong(before, now)) return;
    SentPages counts = multifd_.receiver->take_counts();
    inbox_.post(Fsm::PagesArrived{multifd_epoch_, counts.normal, counts.zero, 0});
}

// The whole checkpoint is there when every channel has come to its end. They stay
// there until it has been loaded.
Result<void> SecondaryDriver::finish_multifd() {
    TRY(multifd_.receiver->wait_sync());
    SentPages counts = multifd_.receiver->take_counts();
    inbox_.post(Fsm::PagesArrived{multifd_epoch_, counts.normal, counts.zero, 0});
    multifd_.receiver->take_arrived(receiver_.received_elsewhere());
    return {};
}

uint64_t SecondaryDriver::bytes_received() const {
    uint64_t multifd = multifd_.receiver != nullptr ? multifd_.receiver->bytes_received() : 0;
    return link_.bytes_received() + multifd;
}

void SecondaryDriver::link_ended(const std::string& why) {
    inbox_.post(PeerLost{why});
}

void SecondaryDriver::order() {
    inbox_.post(Ordered{});
}
void SecondaryDriver::peer_lost(const std::string& why) {
    inbox_.post(PeerLost{why});
}
void SecondaryDriver::quit() {
    inbox_.post(Quit{});
}
void SecondaryDriver::want_checkpoint(Cause cause) {
    inbox_.post(Fsm::CheckpointWanted{cause});
}

}  // namespace qc::migration::colo
