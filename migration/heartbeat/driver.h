// SPDX-License-Identifier: GPL-2.0-or-later
//
// Runs one side's heartbeat: its connection (one side listens, the other connects,
// again and again), the clock, the arbiter, COLO.
//
// Threading: create(), stop() and the destructor belong to one thread; order() and
// status() to any. Everything else happens in the heartbeat's own thread, which
// takes no machine lock and waits for nothing but its loop; questions to the arbiter
// are asked in a second one. Owned by HeartbeatObject.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/connector.h"
#include "io/listener.h"
#include "io/socket_address.h"
#include "migration/heartbeat/arbiter.h"
#include "migration/heartbeat/connection.h"
#include "migration/heartbeat/fsm.h"
#include "migration/heartbeat/pair_control.h"
#include "util/event/event_loop.h"
#include "util/mutex.h"
#include "util/thread.h"

namespace qc::migration::heartbeat {

// As query-colo-heartbeat shows it.
struct HeartbeatStatus {
    HeartbeatFsm::State state = HeartbeatFsm::State::kIdle;
    ColoMode role = ColoMode::kNone;
    uint64_t generation = 0;
    bool connected = false;
    bool path_silent = false;
    std::string address;  // where it listens or connects to
    std::optional<Hello> peer;
    Stand peer_stand = Stand::kIdle;
    std::optional<int64_t> silence_ms;  // since something was heard, while connected
    std::optional<int64_t> round_trip_ms;
    int64_t timeout_ms = 0;
    uint64_t sent = 0;
    uint64_t received = 0;
    uint64_t refused = 0;  // connections of strangers
    std::optional<HeartbeatFsm::ReportDecision> last_decision;
    HeartbeatFsm::OrderMode order_mode = HeartbeatFsm::OrderMode::kDirect;
    bool may_be_removed = true;
};

class HeartbeatDriver {
 public:
    struct Config {
        std::string id;  // the object's
        Hello self;
        io::SocketAddress address;
        bool server = false;
        int64_t arbiter_timeout_ms = 5000;
    };
    struct Deps {
        PairControl& pair;
        HeartbeatListener& listener;
    };
    // `arbiter` may be null.
    static Result<std::unique_ptr<HeartbeatDriver>> create(Config config, const Deps& deps,
                                                           std::unique_ptr<Arbiter> arbiter);
    ~HeartbeatDriver();

    // x-colo-lost-heartbeat while a heartbeat watches. The answer may come later, as an
    // event.
    Result<void> order() EXCLUDES(mutex_);
    HeartbeatStatus status() const EXCLUDES(mutex_);
    // The process ends and its guest stands still: the peer is told. Else (`farewell`
    // empty) the connection just ends. Joins the threads.
    void stop(std::string farewell);

 private:
    HeartbeatDriver(Config config, const Deps& deps, std::unique_ptr<Arbiter> arbiter);

    void begin();
    void tick();
    void step(const HeartbeatFsm::Input& input);
    void carry_out();
    void act(const HeartbeatFsm::SendBeat& action);
    void act(const HeartbeatFsm::Enroll& action);
    void act(const HeartbeatFsm::Ask& action);
    void act(const HeartbeatFsm::Probe&);
    void act(const HeartbeatFsm::Fence& action);
    void act(const HeartbeatFsm::GoOn&);
    void act(const HeartbeatFsm::StandDown&);
    void act(const HeartbeatFsm::ReportState& action);
    void act(const HeartbeatFsm::ReportPath& action);
    void act(const HeartbeatFsm::ReportLost& action);
    void act(const HeartbeatFsm::ReportDecision& action);
    void act(const HeartbeatFsm::ReportOverrun& action);
    void act(const HeartbeatFsm::ReportNotArmed& action);
    void answer(uint64_t generation, Ruling ruling);

    void connect();
    void connected(std::unique_ptr<io::SocketChannel> channel);
    void frame_arrived(Connection& connection, const Frame& frame);
    void greet(Connection& connection, const Hello& hello);
    void connection_ended(Connection& connection, const std::string& why);
    void refuse(const std::string& name, const std::string& why);
    void bury(std::unique_ptr<Connection> connection);
    std::unique_ptr<Connection> take_newcomer(Connection& connection);
    void drop_stale(int64_t now_ms);

    HeartbeatListener::Common common() const;
    void publish() EXCLUDES(mutex_);

    const Config config_;
    Deps deps_;
    std::unique_ptr<Arbiter> arbiter_;
    std::unique_ptr<io::Interrupt> interrupt_;
    std::unique_ptr<EventLoop> loop_;
    std::unique_ptr<EventLoop> worker_loop_;
    std::unique_ptr<io::Listener> listener_;
    std::string address_text_;

    // Of the heartbeat's thread.
    HeartbeatFsm fsm_;
    std::unique_ptr<io::Connector> connector_;
    int64_t connecting_since_ms_ = 0;
    int64_t next_connect_ms_ = 0;
    std::unique_ptr<Connection> connection_;
    std::vector<std::unique_ptr<Connection>> newcomers_;  // before their hello
    std::vector<std::unique_ptr<Connection>> dead_;
    std::string last_refusal_;
    bool worker_busy_ = false;
    std::optional<HeartbeatFsm::Ask> asked_;
    int64_t ask_deadline_ms_ = 0;
    bool path_silent_ = false;
    uint64_t sent_ = 0;
    uint64_t received_ = 0;
    uint64_t refused_ = 0;
    std::optional<HeartbeatFsm::ReportDecision> last_decision_;
    EventLoop::Watch ticks_;

    mutable Mutex mutex_;
    HeartbeatStatus status_ GUARDED_BY(mutex_);
    bool order_under_way_ GUARDED_BY(mutex_) = false;
    bool stopped_ = false;
    Thread thread_;
    Thread worker_;
};

}  // namespace qc::migration::heartbeat
