// SPDX-License-Identifier: GPL-2.0-or-later
//
// A qtest session on a character device.
//
// Requests are served by functions posted to the loop, a few at a time, so that a client
// that never pauses, or lets a year of guest time pass, keeps nobody else waiting.
// Nothing is read while output waits for the client.
//
// Threading: main loop, without the machine lock, which it takes for each request. Owned
// by the machine; dies before the target and the character device.
#pragma once

#include <memory>

#include "chardev/chardev.h"
#include "qtest/target.h"
#include "qtest/transcript.h"
#include "util/event/event_loop.h"
#include "util/machine_lock.h"

namespace qc::qtest_server {

class Server {
 public:
    struct Deps {
        EventLoop& loop;
        MachineLock& lock;
        Target& target;
    };
    Server(chardev::ChardevClaim claim, Transcript transcript, const Deps& deps);
    ~Server();

 private:
    struct Impl;
    // Posted functions find out by it that the server has gone.
    std::shared_ptr<Impl> impl_;
};

}  // namespace qc::qtest_server
