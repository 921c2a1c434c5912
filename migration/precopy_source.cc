// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/precopy_source.h"

#include <algorithm>
#include <limits>

#include "migration/return_path.h"

namespace qc::migration {

namespace {

constexpr uint32_t kRamSectionId = 0;
// A disk or a command may take so long over the last of a one-way stream.
constexpr int64_t kFinishDeadlineMs = 300'000;
// dirty-pages-rate is measured over at least this time.
constexpr int64_t kRatePeriodNs = 1'000'000'000;

io::Deadline deadline_at_ns(int64_t now_ns, int64_t at_ns) {
    return std::chrono::steady_clock::now() + std::chrono::nanoseconds(at_ns - now_ns);
}

}  // namespace

PrecopySource::PrecopySource(const Deps& deps)
    : deps_(deps),
      writer_(deps.channel),
      reader_(deps.channel),
      ram_(deps.machine.ram, deps.machine.dirty_log),
      sink_(writer_, deps.machine.ram,
            deps.channel.two_way() ? PrecopyPageSink::Records::kForRuns
                                   : PrecopyPageSink::Records::kForPages),
      leaves_out_shared_(deps.settings.capabilities().get(Capability::kXIgnoreShared)),
      sends_uuid_(deps.settings.capabilities().get(Capability::kValidateUuid) &&
                  deps.machine.uuid.has_value()),
      devices_(deps.machine) {
    if (leaves_out_shared_) ram_.leave_out_shared();
    const ZeroPageDetection detection = deps.settings.parameters().zero_page_detection;
    if (deps.multifd != nullptr) {
        RamPageSink* zeros = deps.mapped;
        if (zeros == nullptr) zeros = &sink_;
        multifd_sink_.emplace(*deps.multifd, *zeros);
        // Else the channels' threads look for them, or nobody.
        zeros_in_stream_ = detection == ZeroPageDetection::kLegacy;
    } else {
        zeros_in_stream_ = detection != ZeroPageDetection::kNone;
    }
    ram_.set_detect_zeros(zeros_in_stream_);
    if (deps.settings.capabilities().get(Capability::kXbzrle)) {
        xbzrle_.emplace(sink_, deps.machine.ram, deps.board.xbzrle);
    }
}

PrecopySource::~PrecopySource() {
    deps_.machine.vm.set_throttle(0);
}

Result<void> PrecopySource::transfer() {
    TRY(deps_.channel.set_no_delay(true));
    if (deps_.colo) {
        pair_setup_ = TRY(colo::PairSetup::random(deps_.settings.parameters().colo_method));
    }
    TRY(ram_.start());
    deps_.board.ram.total = ram_.total_bytes();
    deps_.board.ram.remaining = pending_bytes();
    write_header();
    TRY(write_block_list());
    deps_.board.setup_done();
    return iterate();
}

Result<void> PrecopySource::write_block_list() {
    begin_section(StreamItem::kSectionStart, kRamSectionId);
    writer_.counted_string("ram");
    writer_.be32(0);
    writer_.be32(kRamSectionVersion);
    const MappedLayout* layout = nullptr;
    if (deps_.mapped != nullptr) {
        // Behind the list come the ends of the section's data and of the section.
        constexpr uint64_t kEndBytes = 16;
        layout = &deps_.mapped->begin(
            writer_.bytes_put() + PrecopyPageSink::most_list_bytes(deps_.machine.ram) + kEndBytes);
    }
    sink_.block_list({.layout = layout, .addresses = leaves_out_shared_});
    sink_.end_of_section();
    end_section(kRamSectionId);
    TRY(writer_.flush());
    return deps_.mapped != nullptr ? deps_.mapped->skip_pages() : Result<void>();
}

void PrecopySource::write_header() {
    writer_.be32(kStreamMagic);
    writer_.be32(kStreamVersion);
    writer_.u8(static_cast<uint8_t>(StreamItem::kConfiguration));
    writer_.be32(static_cast<uint32_t>(deps_.machine.machine_type.size()));
    writer_.copy(std::as_bytes(std::span(deps_.machine.machine_type)));
    const Capabilities capabilities = deps_.settings.capabilities();
    if (leaves_out_shared_) write_capabilities();
    if (sends_uuid_) write_uuid();
    if (deps_.machine.processors != Processors{}) write_processors();
    if (deps_.channel.two_way()) write_command(StreamCommand::kOpenReturnPath);
    ack_awaited_ = capabilities.get(Capability::kSwitchoverAck);
    if (ack_awaited_) write_command(StreamCommand::kWantSwitchoverAck);
    if (deps_.colo) {
        writer_.u8(static_cast<uint8_t>(StreamItem::kCommand));
        writer_.be16(static_cast<uint16_t>(StreamCommand::kEnableColo));
        writer_.be16(colo::kPairSetupSize);
        writer_.copy(colo::encode_pair_setup(pair_setup_));
    }
    if (deps_.mapped != nullptr) {
        writer_.u8(static_cast<uint8_t>(StreamItem::kCommand));
        writer_.be16(static_cast<uint16_t>(StreamCommand::kMappedRam));
        writer_.be16(kMappedRamCommandSize);
        writer_.be32(kMappedRamVersion);
        writer_.be32(memory::kPageSize);
    } else if (deps_.multifd != nullptr) {
        writer_.u8(static_cast<uint8_t>(StreamItem::kCommand));
        writer_.be16(static_cast<uint16_t>(StreamCommand::kMultifd));
        writer_.be16(kMultifdCommandSize);
        writer_.copy(deps_.session.id);
        writer_.be32(static_cast<uint32_t>(deps_.multifd->channel_count()));
        writer_.be32(static_cast<uint32_t>(deps_.multifd->compression()));
    }
}

void PrecopySource::write_capabilities() {
    writer_.u8(static_cast<uint8_t>(StreamItem::kSubsection));
    writer_.counted_string(kCapabilitiesSubsection);
    writer_.be32(kCapabilitiesSubsectionVersion);
    writer_.be32(1);
    writer_.counted_string(to_string(Capability::kXIgnoreShared));
}

void PrecopySource::write_uuid() {
    writer_.u8(static_cast<uint8_t>(StreamItem::kSubsection));
    writer_.counted_string(kUuidSubsection);
    writer_.be32(kUuidSubsectionVersion);
    writer_.copy(std::as_bytes(std::span(deps_.machine.uuid->bytes)));
}

void PrecopySource::write_processors() {
    const Processors& processors = deps_.machine.processors;
    writer_.u8(static_cast<uint8_t>(StreamItem::kSubsection));
    writer_.counted_string(kProcessorsSubsection);
    writer_.be32(kProcessorsSubsectionVersion);
    for (uint32_t field :
         {processors.present, processors.sockets, processors.cores, processors.threads})
        writer_.be32(field);
}

// What write_header() put behind the version, for tools that read a stream.
std::string PrecopySource::describe_header() const {
    std::string subsections;
    if (leaves_out_shared_) {
        subsections += fmt::format(R"({{"vmsd_name":"{}","version":{},"fields":[)"
                                   R"({{"name":"caps_count","type":"uint32","size":4}},)"
                                   R"({{"name":"capabilities","type":"capability","size":{}}}]}})",
                                   kCapabilitiesSubsection, kCapabilitiesSubsectionVersion,
                                   1 + to_string(Capability::kXIgnoreShared).size());
    }
    if (sends_uuid_) {
        subsections +=
            fmt::format(R"({}{{"vmsd_name":"{}","version":{},"fields":[)"
                        R"({{"name":"target_uuid","type":"buffer","size":16}}]}})",
                        subsections.empty() ? "" : ",", kUuidSubsection, kUuidSubsectionVersion);
    }
    if (deps_.machine.processors != Processors{}) {
        subsections += fmt::format(R"({}{{"vmsd_name":"{}","version":{},"fields":[)"
                                   R"({{"name":"processors","type":"buffer","size":16}}]}})",
                                   subsections.empty() ? "" : ",", kProcessorsSubsection,
                                   kProcessorsSubsectionVersion);
    }
    return fmt::format(
        R"({{"vmsd_name":"configuration","version":1,"fields":[)"
        R"({{"name":"len","type":"uint32","size":4}},)"
        R"({{"name":"name","type":"buffer","size":{}}}]{}}})",
        deps_.machine.machine_type.size(),
        subsections.empty() ? "" : fmt::format(R"(,"subsections":[{}])", subsections));
}

void PrecopySource::write_command(StreamCommand command) {
    writer_.u8(static_cast<uint8_t>(StreamItem::kCommand));
    writer_.be16(static_cast<uint16_t>(command));
    writer_.be16(0);
}

Result<void> PrecopySource::iterate() {
    Bandwidth bandwidth(now_ns(), bytes_accounted());
    rate_start_ns_ = sent_pages_since_ns_ = period_start_ns_ = now_ns();
    TRY(sync());
    for (;;) {
        if (deps_.breaks.broken()) return fail("the migration was broken off");
        // Nothing to hand over: what is on its way may as well arrive.
        if (deps_.multifd != nullptr && ram_.pending_pages() == 0) TRY(deps_.multifd->drain());
        if (TRY(converged(bandwidth)) && TRY(switchover_acknowledged())) return {};
        if (bandwidth.advance(now_ns(), bytes_accounted())) update_rates(bandwidth);
        TRY(slow_guest_down());
        const Parameters parameters = deps_.settings.parameters();
        uint64_t allowance = bandwidth.allowance(bytes_accounted(), parameters.max_bandwidth);
        if (allowance == 0) {
            if (deps_.multifd != nullptr) deps_.multifd->hand_over();
            (void)deps_.breaks.sleep_until(deadline_at_ns(now_ns(), bandwidth.window_end_ns()));
            continue;
        }
        uint64_t pages = std::clamp<uint64_t>(allowance / memory::kPageSize, 1, kPagesPerSection);
        TRY(send_ram_section(StreamItem::kSectionPart, pages));
    }
}

// Looks every second, in the middle of a pass as well: a pass over a large guest
// may take minutes.
Result<void> PrecopySource::slow_guest_down() {
    if (now_ns() - period_start_ns_ < AutoConverge::kPeriodNs) return {};
    if (!deps_.settings.capabilities().get(Capability::kAutoConverge)) return {};
    TRY(sync());
    uint64_t sent = deps_.board.ram.transferred;
    unsigned percent = auto_converge_.period(period_pages_ * memory::kPageSize, sent - period_sent_,
                                             deps_.settings.parameters());
    deps_.machine.vm.set_throttle(percent);
    period_start_ns_ = now_ns();
    period_sent_ = sent;
    period_pages_ = 0;
    return {};
}

// The guest runs while this is waited for, so there is no deadline; but what it
// writes is sent in between.
Result<bool> PrecopySource::switchover_acknowledged() {
    constexpr int64_t kTurnMs = 100;
    if (!ack_awaited_) return true;
    if (!TRY(deps_.channel.wait_readable(io::deadline_in_ms(kTurnMs)))) return false;
    ReturnReply reply = TRY(await_reply());
    if (reply.type == ReturnMessage::kShut) return fail("the destination gave up: {}", reply.text);
    if (reply.type != ReturnMessage::kSwitchoverAck) {
        return fail("the destination's answer came in the wrong place");
    }
    ack_awaited_ = false;
    return true;
}

// True once what is left can be sent within the downtime limit.
Result<bool> PrecopySource::converged(const Bandwidth& bandwidth) {
    const Parameters parameters = deps_.settings.parameters();
    uint64_t speed = parameters.avail_switchover_bandwidth != 0
                         ? parameters.avail_switchover_bandwidth
                         : bandwidth.measured();
    double limit_s = static_cast<double>(parameters.downtime_limit_ms) / 1000;
    auto threshold =
        static_cast<uint64_t>(std::min(static_cast<double>(speed) * limit_s,
                                       static_cast<double>(std::numeric_limits<int64_t>::max())));
    if (pending_bytes() > threshold) return false;
    TRY(sync());
    return pending_bytes() <= threshold;
}

Result<void> PrecopySource::sync() {
    uint64_t written = TRY(ram_.sync());
    deps_.board.pass(++passes_);
    deps_.board.ram.remaining = pending_bytes();
    // What comes now may be newer than what is still on its way.
    if (needs_barrier_ && deps_.mapped != nullptr) {
        TRY(write_barrier());
    } else if (needs_barrier_) {
        begin_section(StreamItem::kSectionPart, kRamSectionId);
        TRY(write_barrier());
        sink_.end_of_section();
        end_section(kRamSectionId);
        TRY(writer_.flush());
    }
    rate_pages_ += written;
    period_pages_ += written;
    TRY(remember_pages());
    int64_t elapsed = now_ns() - rate_start_ns_;
    if (elapsed >= kRatePeriodNs) {
        deps_.board.ram.dirty_pages_rate = static_cast<uint64_t>(
            static_cast<double>(rate_pages_) * 1e9 / static_cast<double>(elapsed));
        rate_start_ns_ = now_ns();
        rate_pages_ = 0;
    }
    return {};
}

// From the second pass on: in the first one every page is new.
Result<void> PrecopySource::remember_pages() {
    if (!xbzrle_ || sent_pages_ * memory::kPageSize < ram_.total_bytes()) return {};
    TRY(xbzrle_->set_cache_size(deps_.settings.parameters().xbzrle_cache_size));
    xbzrle_->age();
    return {};
}

RamPageSink& PrecopySource::page_sink() {
    if (multifd_sink_) return *multifd_sink_;
    if (deps_.mapped != nullptr) return *deps_.mapped;
    if (xbzrle_) return *xbzrle_;
    return sink_;
}

Result<void> PrecopySource::send_ram_section(StreamItem item, uint64_t max_pages) {
    uint64_t before = bytes_put();
    bool last = item == StreamItem::kSectionEnd;
    // What goes over the channels, or to its place, needs no section in the stream.
    bool section =
        last || (deps_.mapped == nullptr && (deps_.multifd == nullptr || zeros_in_stream_));
    if (section) begin_section(item, kRamSectionId);
    RamPageSink& sink = page_sink();
    // Flushed in pieces: what waits in the writer is bounded.
    while (max_pages > 0 && ram_.pending_pages() > 0) {
        uint64_t encoded = deps_.board.xbzrle.pages;
        SentPages sent = ram_.send(sink, std::min(max_pages, kPagesPerSection));
        // What is sent as a difference is counted there.
        encoded = deps_.board.xbzrle.pages - encoded;
        if (deps_.multifd == nullptr) stream_normal_pages_ += sent.normal - encoded;
        stream_zero_pages_ += sent.zero;
        sent_pages_ += sent.normal + sent.zero;
        max_pages -= sent.normal + sent.zero;
        needs_barrier_ = deps_.multifd != nullptr;
        if (writer_.wants_flush()) TRY(writer_.flush());
        if (deps_.mapped != nullptr) TRY(deps_.mapped->flush());
        if (deps_.breaks.broken()) return fail("the migration was broken off");
    }
    if (last && deps_.multifd != nullptr) TRY(write_barrier());
    if (last && deps_.mapped != nullptr) sink_.mapped_summaries(TRY(deps_.mapped->finish()));
    if (section) {
        sink_.end_of_section();
        end_section(kRamSectionId);
        TRY(writer_.flush());
    }
    if (deps_.multifd != nullptr) {
        if (last) TRY(deps_.multifd->drain());
        if (std::optional<Error> error = deps_.multifd->error()) return Failure(*error);
    }
    update_counters();
    (freeze_ ? deps_.board.ram.downtime_bytes : deps_.board.ram.precopy_bytes) +=
        bytes_put() - before;
    return {};
}

// Inside a section of the stream: the other side waits there until every channel
// has got so far.
Result<void> PrecopySource::write_barrier() {
    if (deps_.mapped != nullptr) {
        // Nobody reads yet: it is enough that what was to be written is.
        TRY(deps_.multifd->drain());
    } else {
        TRY(deps_.multifd->sync());
        sink_.multifd_flush();
    }
    needs_barrier_ = false;
    return {};
}

uint64_t PrecopySource::pending_bytes() const {
    uint64_t on_its_way = deps_.multifd != nullptr ? deps_.multifd->bytes_owed() : 0;
    return ram_.pending_pages() * memory::kPageSize + on_its_way;
}

uint64_t PrecopySource::bytes_put() const {
    return writer_.bytes_put() + (deps_.multifd != nullptr ? deps_.multifd->bytes_sent() : 0) +
           (deps_.mapped != nullptr ? deps_.mapped->bytes_written() : 0);
}

// For the bandwidth: what is on its way counts. Never shrinks, though a packet may
// turn out smaller than its pages.
uint64_t PrecopySource::bytes_accounted() {
    uint64_t owed = deps_.multifd != nullptr ? deps_.multifd->bytes_owed() : 0;
    accounted_ = std::max(accounted_, bytes_put() + owed);
    return accounted_;
}

void PrecopySource::update_counters() {
    RamCounters& counters = deps_.board.ram;
    MultifdSender* multifd = deps_.multifd;
    counters.remaining = pending_bytes();
    counters.transferred = bytes_put();
    counters.normal_pages =
        stream_normal_pages_ + (multifd != nullptr ? multifd->normal_pages() : 0);
    counters.zero_pages = stream_zero_pages_ + (multifd != nullptr ? multifd->zero_pages() : 0);
    if (multifd != nullptr) {
        counters.multifd_bytes = multifd->bytes_sent();
        counters.missed_zero_copy = multifd->missed_zero_copy();
    }
}

Result<void> PrecopySource::stop_guest() {
    run_state_ = deps_.machine.vm.state();
    // finish-migrate can be entered from every state that a source may be in.
    deps_.machine.vm.set_throttle(0);
    freeze_.emplace(TRY(deps_.machine.vm.freeze(runstate::RunState::kFinishMigrate)));
    deps_.board.guest_stopped();
    return {};
}

Result<void> PrecopySource::switch_over() {
    TRY(sync());
    TRY(send_ram_section(StreamItem::kSectionEnd, std::numeric_limits<uint64_t>::max()));
    TRY(send_devices());
    if (!deps_.channel.two_way()) {
        return deps_.channel.finish_writing(io::deadline_in_ms(kFinishDeadlineMs));
    }
    ReturnReply reply = TRY(await_reply());
    if (reply.type == ReturnMessage::kLoaded) return {};
    if (reply.type != ReturnMessage::kShut) {
        return fail("the destination's answer came in the wrong place");
    }
    return fail("the destination refused the state: {}", reply.text);
}

Result<void> PrecopySource::send_devices() {
    std::vector<SavedComponent> saved = TRY(devices_.save(run_state_));
    uint32_t id = kRamSectionId;
    for (const SavedComponent& component : saved) {
        begin_section(StreamItem::kSectionFull, ++id);
        writer_.counted_string(component.name);
        writer_.be32(component.instance);
        writer_.be32(component.version);
        writer_.be32(static_cast<uint32_t>(component.data.size()));
        writer_.copy(component.data);
        end_section(id);
    }
    writer_.u8(static_cast<uint8_t>(StreamItem::kEof));
    std::string description = devices_.describe(saved, describe_header());
    writer_.u8(static_cast<uint8_t>(StreamItem::kVmDescription));
    writer_.be32(static_cast<uint32_t>(description.size()));
    writer_.copy(std::as_bytes(std::span(description)));
    TRY(writer_.flush());
    update_counters();
    return {};
}

Result<void> PrecopySource::send_go() {
    write_command(StreamCommand::kGo);
    return writer_.flush(io::deadline_in_ms(kHandshakeDeadlineMs));
}

PrecopySource::Shut PrecopySource::await_shut() {
    Result<ReturnReply> reply = await_reply();
    if (!reply) return {Ending::kUnknown, reply.error().message()};
    if (reply->type != ReturnMessage::kShut) {
        return {Ending::kUnknown, "the destination's answer came in the wrong place"};
    }
    if (reply->status == 0) return {Ending::kRunning, {}};
    return {Ending::kRefused, reply->text};
}

std::optional<std::string> PrecopySource::destination_error() {
    if (!deps_.channel.two_way()) return std::nullopt;
    // It sent its reason before it closed; if it is not here by now it never comes.
    constexpr int64_t kGraceMs = 200;
    reader_.set_deadline(io::deadline_in_ms(kGraceMs));
    for (;;) {
        Result<ReturnReply> reply = read_reply(reader_);
        if (!reply) return std::nullopt;
        if (reply->type == ReturnMessage::kShut && reply->status != 0) return reply->text;
    }
}

Result<ReturnReply> PrecopySource::await_reply() {
    reader_.set_deadline(io::deadline_in_ms(kHandshakeDeadlineMs));
    return read_reply(reader_);
}

void PrecopySource::begin_section(StreamItem item, uint32_t id) {
    writer_.u8(static_cast<uint8_t>(item));
    writer_.be32(id);
}

void PrecopySource::end_section(uint32_t id) {
    writer_.u8(static_cast<uint8_t>(StreamItem::kFooter));
    writer_.be32(id);
}

void PrecopySource::update_rates(const Bandwidth& bandwidth) {
    deps_.board.ram.bytes_per_second = bandwidth.measured();
    int64_t now = now_ns();
    deps_.board.ram.pages_per_second = static_cast<uint64_t>(
        static_cast<double>(sent_pages_ - sent_pages_before_) * 1e9 /
        static_cast<double>(std::max<int64_t>(now - sent_pages_since_ns_, 1)));
    sent_pages_before_ = sent_pages_;
    sent_pages_since_ns_ = now;
    if (bandwidth.measured() > 0) {
        deps_.board.set_expected_downtime(
            static_cast<int64_t>(static_cast<double>(pending_bytes()) * 1000 /
                                 static_cast<double>(bandwidth.measured())));
    }
}

}  // namespace qc::migration
