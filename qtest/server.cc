// SPDX-License-Identifier: GPL-2.0-or-later
#include "qtest/server.h"

#include <optional>
#include <utility>

#include "qtest/session.h"

namespace qc::qtest_server {

namespace {

constexpr size_t kInputUnit = 64 * 1024;
// Requests between two looks at what else the loop has to do.
constexpr int kRequestsInARow = 32;

}  // namespace

struct Server::Impl final : public chardev::ChardevFrontend,
                            public std::enable_shared_from_this<Impl> {
    Impl(chardev::ChardevClaim chardev_claim, Transcript log, const Deps& dependencies)
        : deps(dependencies),
          transcript(std::move(log)),
          session(std::in_place, Session::Deps{.target = deps.target,
                                               .log = transcript,
                                               .pin_news = [this] { post_serve(); }}),
          claim(std::move(chardev_claim)) {}

    size_t can_receive() override {
        input_waits = waiting();
        return input_waits ? 0 : kInputUnit;
    }
    void receive(std::span<const std::byte> data) override {
        session->receive({reinterpret_cast<const char*>(data.data()), data.size()});
        serve();
    }
    void event(chardev::ChardevEvent event) override {
        const bool opened = event == chardev::ChardevEvent::kOpened;
        if (!opened && event != chardev::ChardevEvent::kClosed) return;
        open = opened;
        unsent.clear();
        MachineLockGuard guard(deps.lock);
        if (open) {
            transcript.restart();
            session->opened();
        } else {
            session->closed();
        }
    }
    void writable() override {
        send();
        serve();
    }

    // A reply that has not left, or requests that have no reply yet.
    bool waiting() const { return !unsent.empty() || session->ready(); }

    void post_serve() {
        deps.loop.post([weak = weak_from_this()] {
            if (const auto impl = weak.lock()) impl->serve();
        });
    }
    void serve() {
        if (!open || !unsent.empty()) return;
        for (int count = 0; session->ready() && count < kRequestsInARow; ++count) {
            MachineLockGuard guard(deps.lock);
            session->execute();
            if (session->stepping()) break;
        }
        {
            MachineLockGuard guard(deps.lock);
            session->tell_pins();
        }
        send();
        if (!unsent.empty()) return;
        if (session->ready()) {
            post_serve();
        } else if (std::exchange(input_waits, false)) {
            claim.accept_input();
        }
    }
    void send() {
        unsent += session->take_output();
        if (unsent.empty()) return;
        const size_t sent = open ? claim.write(std::as_bytes(std::span(unsent))) : unsent.size();
        unsent.erase(0, sent);
    }

    Deps deps;
    Transcript transcript;
    // Until the server is taken down.
    std::optional<Session> session;
    chardev::ChardevClaim claim;
    bool open = false;
    bool input_waits = false;  // can_receive() said that nothing may come
    std::string unsent;
};

Server::Server(chardev::ChardevClaim claim, Transcript transcript, const Deps& deps)
    : impl_(std::make_shared<Impl>(std::move(claim), std::move(transcript), deps)) {
    impl_->claim.attach(*impl_);
}

Server::~Server() {
    impl_->claim.detach();
    MachineLockGuard guard(impl_->deps.lock);
    impl_->session.reset();
}

}  // namespace qc::qtest_server
