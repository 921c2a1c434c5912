// SPDX-License-Identifier: GPL-2.0-or-later
//
// The object iothread: a thread with an event loop, for users that shall not wait for the
// main loop.
//
// Threading: main loop; the loop's own rules hold for what is on it. Owned by UserObjects.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "qom/user_object.h"
#include "util/event/event_loop.h"
#include "util/thread.h"

namespace qc::system {

class Machine;
class UserObjects;

extern const qom::ObjectType kIothreadType;

class IothreadObject final : public qom::UserObject {
 public:
    // The thread runs when this returns.
    IothreadObject(const qom::PropertyValues& values, const std::string& id,
                   std::unique_ptr<EventLoop> loop);
    ~IothreadObject() override;

    EventLoop& loop() { return *loop_; }
    pid_t thread_id() const { return thread_id_; }

 private:
    std::unique_ptr<EventLoop> loop_;
    pid_t thread_id_ = 0;
    Thread thread_;
};

Result<std::unique_ptr<qom::UserObject>> make_iothread(Machine& machine, const std::string& id,
                                                       const qom::PropertyValues& values);

// In the order in which they were made.
std::vector<const IothreadObject*> iothreads(const UserObjects& objects);

}  // namespace qc::system
