// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/heartbeat_object.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>

#include "migration/heartbeat/command_arbiter.h"
#include "migration/heartbeat/disk_arbiter.h"
#include "migration/heartbeat/file_arbiter.h"

namespace qc::migration::heartbeat {

namespace {

using qom::PropertyKind;

constexpr std::array<std::string_view, 2> kOnLoss = {"wait", "takeover"};

constexpr qom::PropertyDef kProperties[] = {
    {.name = "address",
     .kind = PropertyKind::kString,
     .description = "of the heartbeat's connection: tcp:HOST:PORT or unix:PATH"},
    {.name = "server",
     .kind = PropertyKind::kBool,
     .description = "whether this side listens there; the other one connects",
     .default_value = false},
    {.name = "pair",
     .kind = PropertyKind::kString,
     .description = "the pair's name, the same on both sides"},
    {.name = "interval",
     .kind = PropertyKind::kUint32,
     .description = "milliseconds between two beats",
     .default_value = 200u},
    {.name = "timeout",
     .kind = PropertyKind::kUint32,
     .description = "milliseconds of silence after which the other side is lost",
     .default_value = 2000u},
    {.name = "on-loss",
     .kind = PropertyKind::kEnum,
     .description = "what this side does without an arbiter: wait, takeover",
     .enum_values = kOnLoss},
    {.name = "arbiter-file",
     .kind = PropertyKind::kString,
     .description = "file or block device that both sides see and that decides"},
    {.name = "arbiter-command",
     .kind = PropertyKind::kString,
     .description = "shell command that decides; it ends with 0 if this side may go on"},
    {.name = "arbiter-timeout",
     .kind = PropertyKind::kUint32,
     .description = "milliseconds after which the arbiter counts as unreachable",
     .default_value = 5000u},
};

constexpr uint64_t kMaxArbiterTimeoutMs = 600'000;

std::string host_name() {
    std::array<char, kMaxName + 1> name = {};
    if (gethostname(name.data(), name.size() - 1) != 0) return "unknown";
    return name.data();
}

Result<Policy> policy_of(const qom::PropertyValues& values) {
    const bool asks =
        !values.get_string("arbiter-file").empty() || !values.get_string("arbiter-command").empty();
    const bool set = values.is_set("on-loss");
    const bool takes_over = set && values.get_string("on-loss") == "takeover";
    if (!asks) return takes_over ? Policy::kTakeOver : Policy::kWait;
    if (set && !takes_over) return fail("on-loss=wait leaves nothing to ask an arbiter");
    return Policy::kAsk;
}

Result<void> check_times(const Hello& self) {
    if (self.interval_ms < kMinIntervalMs) {
        return fail("Parameter 'interval' expects at least {} (ms)", kMinIntervalMs);
    }
    if (self.timeout_ms > kMaxTimeoutMs || uint64_t{self.interval_ms} * 3 > self.timeout_ms) {
        return fail("Parameter 'timeout' expects at least three intervals, at most {} (ms)",
                    kMaxTimeoutMs);
    }
    return {};
}

bool is_block_device(const std::string& path) {
    struct stat status = {};
    return !path.empty() && stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode);
}

Result<std::unique_ptr<Arbiter>> arbiter_of(const qom::PropertyValues& values,
                                            const std::string& pair) {
    const std::string file(values.get_string("arbiter-file"));
    const std::string command(values.get_string("arbiter-command"));
    const uint64_t timeout_ms = values.get_uint("arbiter-timeout");
    if (timeout_ms == 0 || timeout_ms > kMaxArbiterTimeoutMs) {
        return fail("Parameter 'arbiter-timeout' expects 1 to {} (ms)", kMaxArbiterTimeoutMs);
    }
    if (!file.empty() && !command.empty()) {
        return fail("arbiter-file and arbiter-command exclude each other");
    }
    const auto limit_ms = static_cast<int64_t>(timeout_ms);
    if (is_block_device(file)) {
        return TRY(DiskArbiter::create({.path = file,
                                        .pair = pair,
                                        .side = values.get_bool("server") ? 1u : 0u,
                                        .timeout_ms = limit_ms}));
    }
    if (!file.empty()) {
        return TRY(FileArbiter::create({.path = file, .pair = pair, .timeout_ms = limit_ms}));
    }
    if (!command.empty()) {
        return std::make_unique<CommandArbiter>(
            CommandArbiter::Config{.command = command, .pair = pair, .timeout_ms = limit_ms});
    }
    return std::unique_ptr<Arbiter>();
}

Result<io::SocketAddress> address_of(const qom::PropertyValues& values) {
    const std::string text(values.get_string("address"));
    if (text.empty()) return fail("Parameter 'address' is missing");
    if (!text.starts_with("tcp:") && !text.starts_with("unix:")) {
        return fail("Parameter 'address' expects tcp:HOST:PORT or unix:PATH, not '{}'", text);
    }
    return io::SocketAddress::parse(text);
}

}  // namespace

constexpr qom::ObjectType kHeartbeatType{.name = "colo-heartbeat",
                                         .parent = &qom::kUserCreatableType,
                                         .description = "watches the other side of a COLO pair",
                                         .properties = kProperties};

// COLO, as the heartbeat steers it.
class HeartbeatObject::Pair final : public PairControl {
 public:
    explicit Pair(Migration& migration) : migration_(migration) {}
    colo::ColoSituation situation() const override { return migration_.colo_state().situation(); }
    void listen(std::function<void()> listener) override {
        migration_.colo_state().set_listener(std::move(listener));
    }
    void drop_peer(const std::string& why) override { migration_.colo_peer_lost(why); }
    Result<void> go_on() override { return migration_.colo_go_on(); }
    void probe() override { migration_.request_checkpoint(colo::Cause::kRequest); }
    void stop_guest() override { migration_.colo_stop_guest(); }

 private:
    Migration& migration_;
};

HeartbeatObject::HeartbeatObject(const qom::PropertyValues& values, const Deps& deps)
    : UserObject(kHeartbeatType, values), deps_(deps) {}

HeartbeatObject::~HeartbeatObject() {
    if (driver_ == nullptr || ended_) return;
    deps_.migration.set_order_policy({});
    driver_->stop({});
}

Result<std::unique_ptr<HeartbeatObject>> HeartbeatObject::create(const std::string& id,
                                                                 const qom::PropertyValues& values,
                                                                 const Deps& deps) {
    if (deps.migration.has_order_policy()) return fail("there is a colo-heartbeat already");
    auto self = std::unique_ptr<HeartbeatObject>(new HeartbeatObject(values, deps));
    io::SocketAddress address = TRY(address_of(values));
    Hello& hello = self->self_;
    hello.instance = random_id();
    hello.pair = values.get_string("pair");
    hello.host = host_name();
    hello.interval_ms = static_cast<uint32_t>(values.get_uint("interval"));
    hello.timeout_ms = static_cast<uint32_t>(values.get_uint("timeout"));
    if (hello.pair.empty() || hello.pair.size() > kMaxName) {
        return fail("Parameter 'pair' expects a name of 1 to {} bytes", kMaxName);
    }
    TRY(check_times(hello));
    hello.policy = TRY(policy_of(values));
    std::unique_ptr<Arbiter> arbiter = TRY(arbiter_of(values, hello.pair));
    if (arbiter != nullptr) {
        hello.arbiter = arbiter->id();
        hello.arbiter_kind = arbiter->kind();
    }
    self->pair_ = std::make_unique<Pair>(deps.migration);
    self->driver_ = TRY(HeartbeatDriver::create(
        {.id = id,
         .self = hello,
         .address = std::move(address),
         .server = values.get_bool("server"),
         .arbiter_timeout_ms = static_cast<int64_t>(values.get_uint("arbiter-timeout"))},
        {.pair = *self->pair_, .listener = deps.listener}, std::move(arbiter)));
    deps.migration.set_order_policy([driver = self->driver_.get()] { return driver->order(); });
    return self;
}

Result<void> HeartbeatObject::check_removal() const {
    if (driver_->status().may_be_removed) return {};
    return fail("object '{}' is in use: it keeps the two sides of a COLO pair apart", name());
}

void HeartbeatObject::machine_ends() {
    ended_ = true;
    deps_.migration.set_order_policy({});
    driver_->stop("the process ends");
}

}  // namespace qc::migration::heartbeat
