// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/mux_chardev.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "chardev/local_chardev.h"

namespace qc::chardev {

namespace {

std::string time_stamp() {
    using std::chrono::milliseconds;
    const int64_t ms = std::chrono::duration_cast<milliseconds>(
                           std::chrono::steady_clock::now().time_since_epoch())
                           .count();
    return fmt::format("[{:02}:{:02}:{:02}.{:03}] ", ms / 3'600'000 % 100, ms / 60'000 % 60,
                       ms / 1000 % 60, ms % 1000);
}

}  // namespace

// What one front end claims.
class MuxChardev::Port final : public LocalChardev {
 public:
    explicit Port(MuxChardev& mux) : LocalChardev(mux.loop_, mux.id()), mux_(mux) {}

    std::string_view backend() const override { return mux_.backend(); }
    std::string description() const override { return mux_.description(); }
    ChardevCounters counters() const override { return mux_.counters(); }
    bool free() const { return !port_claimed(); }

    size_t write(std::span<const std::byte> data) override { return mux_.write_from_port(data); }
    void accept_input() override { mux_.accept_input(); }
    void frontend_changed() override {
        input_.clear();
        LocalChardev::frontend_changed();
    }
    void announce() override {
        if (mux_.focused() != this) frontend()->event(ChardevEvent::kFocusLost);
        if (!mux_.open_) return;
        LocalChardev::announce();
        mux_.base_.accept_input();
    }

    size_t room() const { return kInputLimit - input_.size(); }
    void keep(std::byte byte) { input_.push_back(byte); }
    void tell(ChardevEvent event) {
        if (frontend() != nullptr) frontend()->event(event);
    }
    void tell_writable() {
        if (frontend() != nullptr) frontend()->writable();
    }
    // Passes on what the front end has room for.
    void pump() {
        while (frontend() != nullptr && !input_.empty()) {
            const size_t count = std::min(frontend()->can_receive(), input_.size());
            if (count == 0) return;
            // Taken out before the call, which may come back here.
            const std::vector<std::byte> data(input_.begin(),
                                              input_.begin() + static_cast<std::ptrdiff_t>(count));
            input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(count));
            frontend()->receive(data);
        }
    }

 private:
    MuxChardev& mux_;
    std::vector<std::byte> input_;
};

MuxChardev::MuxChardev(EventLoop& loop, std::string id, ChardevClaim base, MuxRequests requests)
    : Chardev(std::move(id)), loop_(loop), base_(std::move(base)), requests_(std::move(requests)) {}

MuxChardev::~MuxChardev() {
    base_.detach();
}

Result<std::unique_ptr<MuxChardev>> MuxChardev::create(EventLoop& loop, std::string id,
                                                       Chardev& base, MuxRequests requests) {
    if (base.backend() == "mux") {
        return fail("chardev: mux: a multiplexer of a multiplexer is not possible");
    }
    std::unique_ptr<MuxChardev> mux(
        new MuxChardev(loop, std::move(id), TRY(ChardevClaim::claim(base)), std::move(requests)));
    mux->base_.attach(*mux);
    return mux;
}

ChardevCounters MuxChardev::counters() const {
    MutexLock lock(mutex_);
    return {.bytes_dropped = input_dropped_};
}

bool MuxChardev::claimed() const {
    return std::ranges::any_of(ports_, [](const auto& port) { return !port->free(); });
}

bool MuxChardev::attached() const {
    return std::ranges::any_of(ports_, [](const auto& port) { return port->attached(); });
}

Result<Chardev*> MuxChardev::free_port() {
    for (const auto& port : ports_) {
        if (port->free()) return port.get();
    }
    if (ports_.size() == kMaxPorts) {
        return fail("too many uses of multiplexed chardev '{}' (maximum is {})", id(), kMaxPorts);
    }
    ports_.push_back(std::make_unique<Port>(*this));
    return ports_.back().get();
}

size_t MuxChardev::write(std::span<const std::byte> data) {
    return data.size();
}

void MuxChardev::accept_input() {
    loop_.post([this, alive = std::weak_ptr<bool>(alive_)] {
        if (!alive.expired()) pump_input();
    });
}

void MuxChardev::pump_input() {
    for (const auto& port : ports_)
        port->pump();
    base_.accept_input();
}

MuxChardev::Port* MuxChardev::focused() {
    return focus_ < ports_.size() ? ports_[focus_].get() : nullptr;
}

void MuxChardev::send_break() {
    if (Port* port = focused()) port->tell(ChardevEvent::kBreak);
}

size_t MuxChardev::can_receive() {
    const Port* port = focused();
    // Without a front end the user's commands are heard all the same.
    return port == nullptr || !port->attached() ? kInputLimit : port->room();
}

void MuxChardev::receive(std::span<const std::byte> data) {
    for (const std::byte byte : data)
        obey(escape_.step(static_cast<uint8_t>(byte)), static_cast<uint8_t>(byte));
    for (const auto& port : ports_)
        port->pump();
}

void MuxChardev::obey(MuxKey key, uint8_t byte) {
    switch (key) {
        case MuxKey::kNone:
        case MuxKey::kUnknown: return;
        case MuxKey::kData:
            if (Port* port = focused(); port != nullptr && port->attached() && port->room() > 0) {
                port->keep(std::byte{byte});
            } else {
                MutexLock lock(mutex_);
                ++input_dropped_;
            }
            return;
        case MuxKey::kHelp: say(MuxEscape::kHelpText); return;
        case MuxKey::kQuit:
            say("QEMU: Terminated\r\n");
            if (requests_.quit) requests_.quit();
            return;
        case MuxKey::kCommit:
            if (requests_.commit) {
                requests_.commit();
            } else {
                say("\r\nThis version cannot write a snapshot's changes back.\r\n");
            }
            return;
        case MuxKey::kBreak: send_break(); return;
        case MuxKey::kNext: focus_next(); return;
        case MuxKey::kStamps: {
            MutexLock lock(mutex_);
            stamps_ = !stamps_;
            return;
        }
    }
}

void MuxChardev::focus_next() {
    for (size_t step = 1; step <= ports_.size(); ++step) {
        const size_t next = (focus_ + step) % ports_.size();
        if (!ports_[next]->attached()) continue;
        if (next == focus_) return;
        // What was typed before comes before.
        ports_[focus_]->pump();
        ports_[std::exchange(focus_, next)]->tell(ChardevEvent::kFocusLost);
        ports_[next]->tell(ChardevEvent::kFocusGained);
        return;
    }
}

// It is short; what the base has no room for then is lost.
void MuxChardev::say(std::string_view text) {
    MutexLock lock(mutex_);
    if (send_pending()) base_.write(std::as_bytes(std::span(text)));
    line_begins_ = true;
}

void MuxChardev::event(ChardevEvent event) {
    if (event == ChardevEvent::kOpened) open_ = true;
    if (event == ChardevEvent::kClosed) open_ = false;
    if (event == ChardevEvent::kBreak) {
        send_break();
        return;
    }
    for (const auto& port : ports_)
        port->tell(event);
}

void MuxChardev::writable() {
    {
        MutexLock lock(mutex_);
        if (!refused_) return;
        refused_ = false;
    }
    for (const auto& port : ports_)
        port->tell_writable();
}

size_t MuxChardev::write_from_port(std::span<const std::byte> data) {
    MutexLock lock(mutex_);
    size_t taken = 0;
    if (send_pending() && stamps_) {
        taken = write_stamped(data);
    } else if (pending_.empty()) {
        taken = base_.write(data);
        if (taken > 0) line_begins_ = data[taken - 1] == std::byte{'\n'};
    }
    if (taken < data.size()) refused_ = true;
    // The ports are not known outside, and so have no logs of their own.
    log(data.first(taken));
    return taken;
}

bool MuxChardev::send_pending() {
    if (!pending_.empty()) pending_.erase(0, base_.write(std::as_bytes(std::span(pending_))));
    return pending_.empty();
}

size_t MuxChardev::write_stamped(std::span<const std::byte> data) {
    size_t taken = 0;
    while (taken < data.size()) {
        if (line_begins_) pending_ = time_stamp();
        line_begins_ = false;
        if (!send_pending()) break;
        const auto rest = data.subspan(taken);
        const auto end = std::ranges::find(rest, std::byte{'\n'});
        const size_t line = static_cast<size_t>(end - rest.begin()) + (end == rest.end() ? 0 : 1);
        const size_t count = base_.write(rest.first(line));
        taken += count;
        if (count < line) break;
        line_begins_ = end != rest.end();
    }
    return taken;
}

}  // namespace qc::chardev
