// SPDX-License-Identifier: GPL-2.0-or-later
//
// A back end within this process, without a connection: it is open as soon as it has a
// front end.
//
// Threading: as Chardev.
#pragma once

#include <string>
#include <utility>

#include "chardev/chardev.h"
#include "util/event/event_loop.h"

namespace qc::chardev {

class LocalChardev : public Chardev {
 protected:
    LocalChardev(EventLoop& loop, std::string id) : Chardev(std::move(id)), loop_(loop) {}

    void accept_input() override {}
    void frontend_changed() override {
        announcement_ = {};
        if (frontend() == nullptr) return;
        announcement_ = loop_.after_ms(0, [this] { announce(); });
    }
    // There is a front end, which has not heard anything yet.
    virtual void announce() { frontend()->event(ChardevEvent::kOpened); }

 private:
    EventLoop& loop_;
    EventLoop::Watch announcement_;
};

}  // namespace qc::chardev
