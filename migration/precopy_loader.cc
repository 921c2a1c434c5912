// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/precopy_loader.h"

#include <array>

#include "migration/return_path.h"

namespace qc::migration {

namespace {

// More sections than any machine has components.
constexpr size_t kMaxSections = 4096;

}  // namespace

PrecopyLoader::PrecopyLoader(const Deps& deps)
    : deps_(deps),
      reader_(deps.channel),
      writer_(deps.channel),
      ram_(deps.machine.ram),
      devices_(deps.machine) {}

Result<void> PrecopyLoader::load() {
    Result<void> result = load_stream();
    if (result || multifd_ == nullptr) return result;
    // What broke one channel broke the others, and then the rest.
    if (std::optional<Error> first = multifd_->error()) return Failure(*first);
    return result;
}

Result<void> PrecopyLoader::load_stream() {
    TRY(deps_.channel.set_no_delay(true));
    if (io::RandomAccess* file = deps_.channel.random_access()) {
        stream_base_ = TRY(file->position());
    }
    TRY(load_header());
    while (TRY(load_item())) {
        deps_.board.ram.transferred = reader_.bytes_read();
    }
    if (!ram_ended_) return fail("the stream ends before the guest's memory does");
    TRY(ram_.check_complete());
    TRY(devices_.check_complete());
    deps_.board.ram.normal_pages = ram_.normal_pages();
    deps_.board.ram.zero_pages = ram_.zero_pages();
    // Nothing comes over them any more, except with COLO.
    if (!colo()) multifd_.reset();
    return {};
}

Result<void> PrecopyLoader::load_header() {
    uint32_t magic = deps_.gate != nullptr ? kStreamMagic : TRY(reader_.be32("magic number"));
    if (magic != kStreamMagic)
        return fail("not a migration stream: it begins with {:#010x}", magic);
    uint32_t version = TRY(reader_.be32("stream version"));
    if (version != kStreamVersion) {
        return fail("stream version {} is not supported, {} is", version, kStreamVersion);
    }
    return {};
}

Result<bool> PrecopyLoader::load_item() {
    uint8_t item = TRY(reader_.u8("start of the next section"));
    switch (static_cast<StreamItem>(item)) {
        case StreamItem::kEof: return false;
        case StreamItem::kConfiguration: TRY(load_configuration()); return true;
        case StreamItem::kSubsection: TRY(load_subsection()); return true;
        case StreamItem::kCommand: TRY(load_command()); return true;
        case StreamItem::kSectionStart:
        case StreamItem::kSectionPart:
        case StreamItem::kSectionEnd:
        case StreamItem::kSectionFull: break;
        default: return fail("a section begins with unknown type {:#x}", item);
    }
    uint32_t id = TRY(reader_.be32("section id"));
    switch (static_cast<StreamItem>(item)) {
        case StreamItem::kSectionStart: TRY(load_section_start(id)); break;
        case StreamItem::kSectionFull: TRY(load_section_full(id)); break;
        default: TRY(load_section_more(id, static_cast<StreamItem>(item))); break;
    }
    return true;
}

Result<void> PrecopyLoader::load_configuration() {
    if (configured_ || !sections_.empty()) return fail("the machine type comes first, once");
    uint32_t length = TRY(reader_.be32("length of the machine type"));
    if (length > kMaxConfiguration) return fail("the machine type has {} characters", length);
    std::string name(length, '\0');
    TRY(reader_.bytes(std::as_writable_bytes(std::span(name)), "machine type"));
    if (name != deps_.machine.machine_type) {
        return fail("the source is a '{}', this machine a '{}'", printable(name, kMaxConfiguration),
                    deps_.machine.machine_type);
    }
    configured_ = true;
    return {};
}

Result<void> PrecopyLoader::load_subsection() {
    std::string name = printable(TRY(reader_.counted_string("subsection's name")), 255);
    uint32_t version = TRY(reader_.be32("subsection's version"));
    if (name == kUuidSubsection && version == kUuidSubsectionVersion) return load_uuid();
    if (name == kProcessorsSubsection && version == kProcessorsSubsectionVersion) {
        return load_processors();
    }
    if (name == kCapabilitiesSubsection && version == kCapabilitiesSubsectionVersion) {
        return load_capabilities();
    }
    return fail("subsection '{}' of version {} is unknown", name, version);
}

Result<void> PrecopyLoader::load_capabilities() {
    if (!configured_ || ram_started_ || ignores_shared_) {
        return fail("the capabilities follow the machine type, once");
    }
    const uint32_t count = TRY(reader_.be32("number of capabilities"));
    if (count > kMaxCapabilities) return fail("the source names {} capabilities", count);
    for (uint32_t i = 0; i < count; ++i) {
        const std::string name = printable(TRY(reader_.counted_string("capability")), 255);
        if (name != to_string(Capability::kXIgnoreShared)) {
            return fail("the source has the capability '{}' on, of which this side does not know",
                        name);
        }
        ignores_shared_ = true;
    }
    return {};
}

// The places of the blocks' addresses in the list depend on it.
Result<void> PrecopyLoader::check_shared() {
    const bool wanted = deps_.settings.capabilities().get(Capability::kXIgnoreShared);
    if (wanted != ignores_shared_) {
        return fail("Capability x-ignore-shared is {}, but received capability is {}",
                    wanted ? "on" : "off", ignores_shared_ ? "on" : "off");
    }
    if (ignores_shared_) ram_.expect_addresses();
    return {};
}

Result<void> PrecopyLoader::load_uuid() {
    if (!configured_ || ram_started_ || uuid_checked_) {
        return fail("the UUID follows the machine type, once");
    }
    Uuid uuid;
    TRY(reader_.bytes(std::as_writable_bytes(std::span(uuid.bytes)), "UUID"));
    if (deps_.machine.uuid && *deps_.machine.uuid != uuid) {
        return fail("the source's UUID is {}, this machine's {}", to_string(uuid),
                    to_string(*deps_.machine.uuid));
    }
    uuid_checked_ = true;
    return {};
}

Result<void> PrecopyLoader::load_processors() {
    if (!configured_ || ram_started_ || processors_) {
        return fail("the processors follow the machine type, once");
    }
    Processors& processors = processors_.emplace();
    for (uint32_t* field :
         {&processors.present, &processors.sockets, &processors.cores, &processors.threads}) {
        *field = TRY(reader_.be32("number of processors"));
    }
    return {};
}

Result<void> PrecopyLoader::check_processors() const {
    const Processors theirs = processors_.value_or(Processors{});
    const Processors& ours = deps_.machine.processors;
    if (theirs == ours) return {};
    auto text = [](const Processors& p) {
        return fmt::format("-smp {},sockets={},cores={},threads={}", p.present, p.sockets, p.cores,
                           p.threads);
    };
    if (theirs.present != ours.present) {
        return fail("the source has {} CPUs, this machine {}: {} there, {} here", theirs.present,
                    ours.present, text(theirs), text(ours));
    }
    return fail("the source's CPUs are arranged differently: {} there, {} here", text(theirs),
                text(ours));
}

Result<void> PrecopyLoader::load_command() {
    uint16_t command = TRY(reader_.be16("command"));
    uint16_t length = TRY(reader_.be16("command's length"));
    switch (static_cast<StreamCommand>(command)) {
        case StreamCommand::kOpenReturnPath:
            if (length != 0) break;
            return_path_ = true;
            return {};
        case StreamCommand::kEnableColo:
            if (length != colo::kPairSetupSize) break;
            return enable_colo();
        case StreamCommand::kWantSwitchoverAck:
            if (length != 0) break;
            if (!return_path_) return fail("the source wants an answer and listens to none");
            if (!deps_.settings.capabilities().get(Capability::kSwitchoverAck)) {
                return fail(
                    "the source waits for consent to the switchover, but the capability "
                    "'switchover-ack' is off on this side");
            }
            ack_wanted_ = true;
            return {};
        case StreamCommand::kMultifd:
            if (length != kMultifdCommandSize) break;
            return enable_multifd();
        case StreamCommand::kMappedRam:
            if (length != kMappedRamCommandSize) break;
            return enable_mapped_ram();
        case StreamCommand::kGo: return fail("the command to run comes before the end");
        default: return fail("command {:#x} is unknown", command);
    }
    return fail("command {:#x} has {} bytes", command, length);
}

Result<void> PrecopyLoader::enable_colo() {
    std::array<std::byte, colo::kPairSetupSize> setup;
    TRY(reader_.bytes(setup, "COLO's settings"));
    if (!deps_.settings.capabilities().get(Capability::kXColo)) {
        return fail("the source wants COLO, but the capability 'x-colo' is off on this side");
    }
    if (!return_path_) return fail("COLO needs the way back to the source");
    if (cache_ != nullptr || multifd_ != nullptr || ram_started_) {
        return fail("COLO is enabled before multifd and before RAM comes, once");
    }
    pair_setup_ = TRY(colo::parse_pair_setup(setup));
    const bool cache = pair_setup_.method == ColoMethod::kCache;
    cache_ = TRY(colo::RamCache::create(
        deps_.machine.ram, cache ? colo::RamCache::Kind::kCache : colo::RamCache::Kind::kStaging));
    // Until the first checkpoint, memory alone is what this side needs without a cache.
    if (cache) ram_.set_cache(*cache_);
    return {};
}

Result<void> PrecopyLoader::enable_multifd() {
    MultifdSession session;
    TRY(reader_.bytes(session.id, "session identifier"));
    uint32_t channels = TRY(reader_.be32("number of multifd channels"));
    uint32_t compression = TRY(reader_.be32("multifd's compression"));
    if (deps_.gate == nullptr) {
        return fail("the source uses multifd, but the capability 'multifd' is off on this side");
    }
    if (multifd_ != nullptr || ram_started_)
        return fail("multifd is set up before RAM comes, once");
    const Parameters parameters = deps_.settings.parameters();
    if (channels != parameters.multifd_channels) {
        return fail("the source has {} multifd channels, 'multifd-channels' is {} on this side",
                    channels, parameters.multifd_channels);
    }
    if (compression != static_cast<uint32_t>(parameters.multifd_compression)) {
        return fail("the source's 'multifd-compression' is not the same as on this side");
    }
    MultifdStore* store;
    if (cache_ != nullptr) {
        colo_store_ = std::make_unique<MultifdColo>(deps_.machine.ram, *cache_);
        store = colo_store_.get();
    } else {
        ram_store_ = std::make_unique<MultifdRamStore>(deps_.machine.ram);
        store = ram_store_.get();
    }
    multifd_ =
        MultifdReceiver::start(deps_.machine.ram, *store, parameters.multifd_compression,
                               deps_.breaks, TRY(deps_.gate->await_channels(session, channels)));
    ram_.set_multifd(*multifd_);
    return {};
}

bool PrecopyLoader::mapped_wanted() const {
    return deps_.settings.capabilities().get(Capability::kMappedRam);
}

Result<void> PrecopyLoader::enable_mapped_ram() {
    const uint32_t version = TRY(reader_.be32("version of mapped-ram"));
    const uint32_t page_size = TRY(reader_.be32("page size of mapped-ram"));
    if (!mapped_wanted()) {
        return fail(
            "the source used mapped-ram, but the capability 'mapped-ram' is off on this side");
    }
    io::RandomAccess* const file = deps_.channel.random_access();
    if (file == nullptr) return fail("mapped-ram is loaded from files only");
    if (version != kMappedRamVersion) {
        return fail("mapped-ram version {} is not supported, {} is", version, kMappedRamVersion);
    }
    if (page_size != memory::kPageSize) {
        return fail("mapped-ram has pages of {} bytes, this machine {}", page_size,
                    memory::kPageSize);
    }
    if (mapped_ || cache_ != nullptr || multifd_ != nullptr || ram_started_) {
        return fail("mapped-ram comes before RAM, once");
    }
    if (deps_.settings.parameters().direct_io) TRY(use_direct_io(*file, stream_base_));
    const bool threads = deps_.settings.capabilities().get(Capability::kMultifd);
    mapped_.emplace(*file, stream_base_, deps_.machine.ram,
                    threads ? deps_.settings.parameters().multifd_channels : 1u);
    ram_.set_mapped(*mapped_);
    return {};
}

Result<void> PrecopyLoader::load_section_start(uint32_t id) {
    std::string name = printable(TRY(reader_.counted_string("section's name")), 255);
    uint32_t instance = TRY(reader_.be32("section's instance"));
    uint32_t version = TRY(reader_.be32("section's version"));
    if (name != "ram" || instance != 0) {
        return fail("section '{}' of this kind is unknown", component_label(name, instance));
    }
    if (ram_started_) return fail("section 'ram' comes twice");
    if (version != kRamSectionVersion) {
        return fail("section 'ram' has version {}, {} is supported", version, kRamSectionVersion);
    }
    if (deps_.gate != nullptr && multifd_ == nullptr) {
        return fail("the capability 'multifd' is on on this side, but the source does not use it");
    }
    if (mapped_wanted() && !mapped_) {
        return fail(
            "the capability 'mapped-ram' is on on this side, but the source did not use it");
    }
    TRY(check_processors());
    TRY(check_shared());
    ram_started_ = true;
    sections_[id] = {std::move(name)};
    TRY(ram_.load_section(reader_, RamLoader::Section::kFirst).context("section 'ram'"));
    TRY(load_footer(id));
    if (mapped_) {
        TRY(mapped_->skip_pages());
        reader_.drop_buffered();
    }
    return acknowledge_switchover();
}

// What is left to do here, now that the RAM blocks fit, takes no time of its own.
Result<void> PrecopyLoader::acknowledge_switchover() {
    if (!ack_wanted_) return {};
    ack_wanted_ = false;
    write_switchover_ack(writer_);
    return writer_.flush(io::deadline_in_ms(kHandshakeDeadlineMs));
}

Result<void> PrecopyLoader::load_section_more(uint32_t id, StreamItem item) {
    auto section = sections_.find(id);
    if (section == sections_.end() || section->second.ended) {
        return fail("section {} goes on but was not begun", id);
    }
    auto place =
        item == StreamItem::kSectionEnd ? RamLoader::Section::kLast : RamLoader::Section::kMore;
    TRY(ram_.load_section(reader_, place).context("section '{}'", section->second.name));
    if (item == StreamItem::kSectionEnd) section->second.ended = ram_ended_ = true;
    return load_footer(id);
}

Result<void> PrecopyLoader::load_section_full(uint32_t id) {
    if (sections_.contains(id)) return fail("section id {} comes twice", id);
    if (sections_.size() >= kMaxSections) return fail("more than {} sections", kMaxSections);
    std::string name = printable(TRY(reader_.counted_string("section's name")), 255);
    uint32_t instance = TRY(reader_.be32("section's instance"));
    uint32_t version = TRY(reader_.be32("section's version"));
    uint32_t length = TRY(reader_.be32("length of the section's data"));
    std::string label = component_label(name, instance);
    if (length > kMaxDeviceState) return fail("section '{}' announces {} bytes", label, length);
    std::vector<std::byte> data =
        TRY(reader_.buffer(length, "data").context("section '{}'", label));
    // The footer first: data whose frame is broken is not worth parsing.
    TRY(load_footer(id).context("section '{}'", label));
    sections_[id] = {std::move(name), true};
    return devices_.stage(sections_[id].name, instance, version, data);
}

Result<void> PrecopyLoader::load_footer(uint32_t id) {
    uint8_t type = TRY(reader_.u8("section footer"));
    uint32_t footer_id = TRY(reader_.be32("section footer's id"));
    if (type != static_cast<uint8_t>(StreamItem::kFooter) || footer_id != id) {
        return fail("section {} does not end where it should", id);
    }
    return {};
}

Result<void> PrecopyLoader::await_go() {
    if (!return_path_) return await_description();
    write_loaded(writer_);
    TRY(writer_.flush(io::deadline_in_ms(kHandshakeDeadlineMs)));
    reader_.set_deadline(io::deadline_in_ms(kHandshakeDeadlineMs));
    for (;;) {
        uint8_t item = TRY(reader_.u8("the source's command to run"));
        if (item == static_cast<uint8_t>(StreamItem::kVmDescription)) {
            TRY(skip_description());
            continue;
        }
        if (item != static_cast<uint8_t>(StreamItem::kCommand)) {
            return fail("type {:#x} follows the end of the stream", item);
        }
        uint16_t command = TRY(reader_.be16("command"));
        uint16_t length = TRY(reader_.be16("command's length"));
        if (command != static_cast<uint16_t>(StreamCommand::kGo) || length != 0) {
            return fail("command {:#x} follows the end of the stream", command);
        }
        reader_.set_deadline(io::kNoDeadline);
        return {};
    }
}

Result<void> PrecopyLoader::await_description() {
    uint8_t item = TRY(reader_.u8("description at the end"));
    if (item != static_cast<uint8_t>(StreamItem::kVmDescription)) {
        return fail("type {:#x} follows the end of the stream", item);
    }
    return skip_description();
}

Result<void> PrecopyLoader::skip_description() {
    uint32_t length = TRY(reader_.be32("length of the description"));
    if (length > kMaxDescription) return fail("the description announces {} bytes", length);
    return reader_.skip(length, "description");
}

Result<void> PrecopyLoader::commit() {
    return devices_.commit();
}

void PrecopyLoader::send_shut(const std::string& error) {
    if (!return_path_) return;
    constexpr int64_t kShutDeadlineMs = 5'000;
    write_shut(writer_, error.empty() ? 0 : 1, error);
    // A source that is gone does not need to know.
    (void)writer_.flush(io::deadline_in_ms(kShutDeadlineMs));
}

}  // namespace qc::migration
