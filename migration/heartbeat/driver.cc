// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/heartbeat/driver.h"

#include <algorithm>

#include "migration/trace.h"
#include "util/log.h"

namespace qc::migration::heartbeat {

namespace {

using State = HeartbeatFsm::State;

constexpr size_t kMostNewcomers = 4;
// An attempt to connect that the network swallows is given up and begun again.
constexpr int64_t kConnectLimitMs = 1000;
// What an arbiter may take beyond its own time before it counts as silent.
constexpr int64_t kAnswerGraceMs = 1000;

}  // namespace

HeartbeatDriver::HeartbeatDriver(Config config, const Deps& deps, std::unique_ptr<Arbiter> arbiter)
    : config_(std::move(config)),
      deps_(deps),
      arbiter_(std::move(arbiter)),
      fsm_(config_.self, boot_time_ms()) {}

HeartbeatDriver::~HeartbeatDriver() {
    stop({});
}

Result<std::unique_ptr<HeartbeatDriver>> HeartbeatDriver::create(Config config, const Deps& deps,
                                                                 std::unique_ptr<Arbiter> arbiter) {
    auto self = std::unique_ptr<HeartbeatDriver>(
        new HeartbeatDriver(std::move(config), deps, std::move(arbiter)));
    self->interrupt_ = TRY(io::Interrupt::create());
    self->loop_ = TRY(EventLoop::create());
    self->worker_loop_ = TRY(EventLoop::create());
    self->address_text_ = self->config_.address.to_string();
    if (self->config_.server) {
        self->listener_ = TRY(io::Listener::create(self->config_.address));
        self->address_text_ = self->listener_->local_address().to_string();
    }
    self->publish();
    HeartbeatDriver* driver = self.get();
    self->loop_->post([driver] { driver->begin(); });
    self->worker_ = Thread("heartbeat/ask", [driver] { driver->worker_loop_->run(); });
    self->thread_ = Thread("heartbeat", [driver] { driver->loop_->run(); });
    return self;
}

void HeartbeatDriver::stop(std::string farewell) {
    if (std::exchange(stopped_, true)) return;
    deps_.pair.listen(nullptr);
    if (thread_.joinable()) {
        loop_->post([this, farewell = std::move(farewell)] {
            if (!farewell.empty() && connection_ != nullptr) connection_->send(Bye{farewell});
            if (connection_ != nullptr) connection_->close();
            ticks_ = {};
            loop_->quit();
        });
        thread_.join();
    }
    if (interrupt_ != nullptr) interrupt_->trigger();
    if (worker_.joinable()) {
        worker_loop_->quit();
        worker_.join();
    }
}

void HeartbeatDriver::begin() {
    if (listener_ != nullptr) {
        listener_->watch(*loop_, [this](std::unique_ptr<io::SocketChannel> channel) {
            connected(std::move(channel));
        });
    }
    deps_.pair.listen([this] { loop_->post([this] { tick(); }); });
    ticks_ = loop_->every_ms(fsm_.tick_interval_ms(), [this] { tick(); });
    tick();
}

void HeartbeatDriver::tick() {
    const int64_t now_ms = boot_time_ms();
    dead_.clear();
    // First what COLO has heard: it counts as a sign of life.
    fsm_.step(HeartbeatFsm::Colo{deps_.pair.situation()}, now_ms);
    fsm_.tick(now_ms);
    carry_out();
    if (asked_ && now_ms >= ask_deadline_ms_) {
        answer(asked_->generation, {Verdict::kUnreachable, "the arbiter does not answer"});
    }
    if (connection_ != nullptr) connection_->flush();
    drop_stale(now_ms);
    if (listener_ == nullptr && connection_ == nullptr && connector_ == nullptr &&
        newcomers_.empty() && now_ms >= next_connect_ms_) {
        connect();
    }
    publish();
}

void HeartbeatDriver::step(const HeartbeatFsm::Input& input) {
    fsm_.step(input, boot_time_ms());
    carry_out();
    publish();
}

void HeartbeatDriver::carry_out() {
    for (const HeartbeatFsm::Action& action : fsm_.take_actions())
        std::visit([this](const auto& a) { act(a); }, action);
}

// --- Actions ---

void HeartbeatDriver::act(const HeartbeatFsm::SendBeat& action) {
    if (connection_ == nullptr) return;
    connection_->send(action.beat);
    ++sent_;
}

void HeartbeatDriver::act(const HeartbeatFsm::Enroll& action) {
    if (arbiter_ == nullptr) {
        loop_->post([this, above = action.above] {
            step(HeartbeatFsm::Floor{generation_by_clock(above)});
        });
        return;
    }
    worker_loop_->post([this, above = action.above] {
        Result<uint64_t> floor = arbiter_->enroll(above, *interrupt_);
        loop_->post([this, floor = std::move(floor)] {
            if (floor) {
                step(HeartbeatFsm::Floor{*floor});
            } else {
                step(HeartbeatFsm::EnrollFailed{floor.error().message()});
            }
        });
    });
}

void HeartbeatDriver::act(const HeartbeatFsm::Ask& action) {
    asked_ = action;
    ask_deadline_ms_ = boot_time_ms() + config_.arbiter_timeout_ms + kAnswerGraceMs;
    if (std::exchange(worker_busy_, true)) return;  // its answer is as good
    Question question{.generation = action.generation,
                      .instance = config_.self.instance,
                      .side = fsm_.role(),
                      .reason = action.reason};
    worker_loop_->post([this, question] {
        Ruling ruling = arbiter_->ask(question, *interrupt_);
        loop_->post([this, question, ruling = std::move(ruling)] {
            worker_busy_ = false;
            answer(question.generation, ruling);
        });
    });
}

void HeartbeatDriver::answer(uint64_t generation, Ruling ruling) {
    asked_.reset();
    {
        MutexLock lock(mutex_);
        order_under_way_ = false;
    }
    step(HeartbeatFsm::Answer{generation, ruling.verdict, std::move(ruling.text)});
}

void HeartbeatDriver::act(const HeartbeatFsm::Probe&) {
    deps_.pair.probe();
}

void HeartbeatDriver::act(const HeartbeatFsm::Fence& action) {
    deps_.pair.drop_peer(action.why);
}

void HeartbeatDriver::act(const HeartbeatFsm::GoOn&) {
    if (Result<void> result = deps_.pair.go_on(); !result) {
        error_report("COLO heartbeat {}: going on alone: {}", config_.id, result.error().message());
    }
}

void HeartbeatDriver::act(const HeartbeatFsm::StandDown&) {
    worker_loop_->post([this] { deps_.pair.stop_guest(); });
}

void HeartbeatDriver::act(const HeartbeatFsm::ReportState& action) {
    trace::heartbeat_state(config_.id, to_string(action.state), fsm_.generation());
    if (action.state == State::kArmed) {
        info_report(
            "COLO heartbeat {}: {} of pair '{}', generation {}, peer {} ({}), timeout {} ms",
            config_.id, fsm_.role() == ColoMode::kPrimary ? "primary" : "secondary",
            config_.self.pair, fsm_.generation(), short_text(fsm_.peer()->instance),
            fsm_.peer()->host, fsm_.timeout_ms());
    }
    deps_.listener.heartbeat_changed(common(), action.state, path_silent_);
}

void HeartbeatDriver::act(const HeartbeatFsm::ReportPath& action) {
    path_silent_ = action.silent;
    if (action.silent) {
        warn_report("COLO heartbeat {}: nothing comes over {}; COLO's own connection is used",
                    config_.id, address_text_);
    } else {
        info_report("COLO heartbeat {}: heard again", config_.id);
    }
    deps_.listener.heartbeat_changed(common(), fsm_.state(), path_silent_);
}

void HeartbeatDriver::act(const HeartbeatFsm::ReportLost& action) {
    warn_report("COLO heartbeat {}: the other side is lost ({}, {} ms after its last sign)",
                config_.id, to_string(action.reason), action.silence_ms);
    deps_.listener.heartbeat_lost(common(), action.reason, action.silence_ms);
}

void HeartbeatDriver::act(const HeartbeatFsm::ReportDecision& action) {
    last_decision_ = action;
    warn_report("COLO heartbeat {}: this side {}: {} ({}, arbiter {}: {}, generation {})",
                config_.id, to_string(action.decision), action.text, to_string(action.reason),
                to_string(config_.self.arbiter_kind), to_string(action.verdict), fsm_.generation());
    deps_.listener.heartbeat_decided(common(), action);
}

void HeartbeatDriver::act(const HeartbeatFsm::ReportOverrun& action) {
    error_report(
        "COLO heartbeat {}: the guest stood still only {} ms after the other side might "
        "have taken over: this host was too slow",
        config_.id, action.late_ms);
}

void HeartbeatDriver::act(const HeartbeatFsm::ReportNotArmed& action) {
    warn_report("COLO heartbeat {}: not armed: {}", config_.id, action.why);
}

// --- Connections ---

void HeartbeatDriver::connect() {
    connecting_since_ms_ = boot_time_ms();
    next_connect_ms_ = connecting_since_ms_ + config_.self.interval_ms;
    connector_ = io::Connector::start(*loop_, config_.address,
                                      [this](Result<std::unique_ptr<io::SocketChannel>> channel) {
                                          connector_.reset();
                                          if (channel) connected(*std::move(channel));
                                      });
}

void HeartbeatDriver::connected(std::unique_ptr<io::SocketChannel> channel) {
    if (newcomers_.size() >= kMostNewcomers) {
        refuse(channel->peer_name(), "too many connect at once");
        return;
    }
    Connection::Handler handler{
        .frame = [this](Connection& from, const Frame& frame) { frame_arrived(from, frame); },
        .ended = [this](Connection& from, const std::string& why) { connection_ended(from, why); }};
    newcomers_.push_back(std::make_unique<Connection>(*loop_, std::move(channel),
                                                      std::move(handler), boot_time_ms()));
    newcomers_.back()->send(config_.self);
}

void HeartbeatDriver::frame_arrived(Connection& connection, const Frame& frame) {
    connection.set_heard_ms(boot_time_ms());
    ++received_;
    if (const auto* hello = std::get_if<Hello>(&frame)) {
        greet(connection, *hello);
    } else if (&connection != connection_.get()) {
        return;
    } else if (const auto* beat = std::get_if<Beat>(&frame)) {
        step(HeartbeatFsm::PeerBeat{*beat});
    } else if (const auto* bye = std::get_if<Bye>(&frame)) {
        info_report("COLO heartbeat {}: the other side leaves: {}", config_.id, bye->text);
        step(HeartbeatFsm::PeerBye{bye->text});
    }
}

void HeartbeatDriver::greet(Connection& connection, const Hello& hello) {
    std::unique_ptr<Connection> newcomer = take_newcomer(connection);
    if (Result<void> fits = fsm_.check_hello(hello); !fits) {
        refuse(connection.name(), fits.error().message());
        bury(std::move(newcomer));
        return;
    }
    // The same peer again: its old connection is a dead one.
    if (connection_ != nullptr) bury(std::move(connection_));
    connection_ = std::move(newcomer);
    last_refusal_.clear();
    step(HeartbeatFsm::PeerHello{hello});
}

void HeartbeatDriver::refuse(const std::string& name, const std::string& why) {
    ++refused_;
    next_connect_ms_ = boot_time_ms() + kConnectLimitMs;
    std::string text = fmt::format("a connection with {} is refused: {}", name, why);
    // Somebody who tries again and again is named once.
    if (std::exchange(last_refusal_, why) != why) {
        warn_report("COLO heartbeat {}: {}", config_.id, text);
    }
}

void HeartbeatDriver::connection_ended(Connection& connection, const std::string& why) {
    if (&connection == connection_.get()) {
        if (fsm_.state() != State::kIdle) {
            warn_report("COLO heartbeat {}: the connection with {} is lost: {}", config_.id,
                        connection.name(), why);
        }
        bury(std::move(connection_));
        step(HeartbeatFsm::ConnectionLost{});
    } else if (auto newcomer = take_newcomer(connection)) {
        if (!newcomer->hello()) trace::heartbeat_stranger(newcomer->name(), why);
        bury(std::move(newcomer));
    }
}

void HeartbeatDriver::bury(std::unique_ptr<Connection> connection) {
    connection->close();
    dead_.push_back(std::move(connection));
}

std::unique_ptr<Connection> HeartbeatDriver::take_newcomer(Connection& connection) {
    auto found = std::ranges::find_if(
        newcomers_, [&](const auto& newcomer) { return newcomer.get() == &connection; });
    if (found == newcomers_.end()) return nullptr;
    std::unique_ptr<Connection> taken = std::move(*found);
    newcomers_.erase(found);
    return taken;
}

// A connection that the network swallowed is given up, so that a new one is made.
void HeartbeatDriver::drop_stale(int64_t now_ms) {
    const int64_t limit_ms = fsm_.timeout_ms();
    if (connector_ != nullptr && now_ms - connecting_since_ms_ > kConnectLimitMs) {
        connector_.reset();
    }
    if (connection_ != nullptr && now_ms - connection_->heard_ms() > limit_ms) {
        connection_ended(*connection_, fmt::format("nothing came for {} ms", limit_ms));
    }
    for (size_t i = newcomers_.size(); i-- > 0;) {
        if (now_ms - newcomers_[i]->since_ms() <= limit_ms) continue;
        Connection& silent = *newcomers_[i];
        refuse(silent.name(), "it does not say who it is");
        bury(take_newcomer(silent));
    }
}

// --- Other threads ---

Result<void> HeartbeatDriver::order() {
    switch (status().order_mode) {
        case HeartbeatFsm::OrderMode::kDirect: return deps_.pair.go_on();
        case HeartbeatFsm::OrderMode::kRefuse:
            if (status().state == State::kPairing) {
                return Failure(Error(fmt::format("the colo-heartbeat object '{}' has not found "
                                                 "the other side yet",
                                                 config_.id))
                                   .set_hint("Delete the object first to take over without it."));
            }
            return Failure(Error(fmt::format("the other side may go on by itself, so this one must "
                                             "not: the colo-heartbeat object '{}' keeps them apart",
                                             config_.id))
                               .set_hint("If you are sure that the other side is gone, delete the "
                                         "object first."));
        case HeartbeatFsm::OrderMode::kAsk: break;
    }
    {
        MutexLock lock(mutex_);
        if (std::exchange(order_under_way_, true)) {
            return fail("COLO failover is already activated");
        }
    }
    loop_->post([this] {
        step(HeartbeatFsm::Ordered{});
        if (!asked_) {
            MutexLock lock(mutex_);
            order_under_way_ = false;
        }
    });
    return {};
}

HeartbeatStatus HeartbeatDriver::status() const {
    MutexLock lock(mutex_);
    return status_;
}

HeartbeatListener::Common HeartbeatDriver::common() const {
    return {.id = config_.id,
            .role = fsm_.role(),
            .generation = fsm_.generation(),
            .arbiter = config_.self.arbiter_kind};
}

void HeartbeatDriver::publish() {
    MutexLock lock(mutex_);
    status_.state = fsm_.state();
    status_.role = fsm_.role();
    status_.generation = fsm_.generation();
    status_.connected = fsm_.connected();
    status_.path_silent = path_silent_;
    status_.address = address_text_;
    status_.peer = fsm_.peer();
    status_.peer_stand = fsm_.peer_stand();
    status_.silence_ms.reset();
    if (connection_ != nullptr) status_.silence_ms = boot_time_ms() - connection_->heard_ms();
    status_.round_trip_ms = fsm_.round_trip_ms();
    status_.timeout_ms = fsm_.timeout_ms();
    status_.sent = sent_;
    status_.received = received_;
    status_.refused = refused_;
    status_.last_decision = last_decision_;
    status_.order_mode = fsm_.order_mode();
    status_.may_be_removed = fsm_.may_be_removed();
}

}  // namespace qc::migration::heartbeat
