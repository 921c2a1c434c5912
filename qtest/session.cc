// SPDX-License-Identifier: GPL-2.0-or-later
#include "qtest/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <variant>

namespace qc::qtest_server {

namespace {

// A log is for people: of a block's data they need the beginning.
constexpr size_t kLongestLogged = 256;

std::string_view start_of(std::string_view line) {
    return line.substr(0, kLongestLogged);
}

hw::GpioPins* find_pins(const WatchableDevice& device, hw::GpioPins::Direction direction) {
    const auto found = std::ranges::find(device.pins, direction, &hw::GpioPins::direction);
    return found == device.pins.end() ? nullptr : *found;
}

}  // namespace

Session::Session(const Deps& deps) : target_(deps.target), log_(deps.log), pins_(deps.pin_news) {}

Session::~Session() {
    if (!watched_) return;
    for (hw::GpioPins* pins : watched_->pins)
        pins->watch(nullptr);
}

void Session::opened() {
    input_.clear();
    output_.clear();
    searched_ = 0;
    line_end_ = std::string::npos;
    skipping_ = false;
    stepping_.reset();
    pins_.forget();
    log_.log(SessionLog::Kind::kInfo, "OPENED");
}

void Session::closed() {
    log_.log(SessionLog::Kind::kInfo, "CLOSED");
    input_.clear();
    searched_ = 0;
    line_end_ = std::string::npos;
    stepping_.reset();
}

void Session::receive(std::string_view bytes) {
    input_ += bytes;
    if (!line_complete()) find_line();
}

void Session::find_line() {
    line_end_ = input_.find('\n', searched_);
    if (skipping_ && line_end_ != std::string::npos) {
        input_.erase(0, line_end_ + 1);
        searched_ = 0;
        skipping_ = false;
        reply(fmt::format("FAIL The line has more than {} characters", kMaxLine));
        return find_line();
    }
    searched_ = input_.size();
    if (line_end_ != std::string::npos || input_.size() <= kMaxLine) return;
    skipping_ = true;
    input_.clear();
    searched_ = 0;
}

std::string Session::take_line() {
    std::string line = input_.substr(0, line_end_);
    input_.erase(0, line_end_ + 1);
    searched_ = 0;
    line_end_ = std::string::npos;
    find_line();
    return line;
}

void Session::send(std::string_view line) {
    log_.log(SessionLog::Kind::kSent, start_of(line));
    output_ += line;
    output_ += '\n';
}

void Session::reply(std::string_view line) {
    tell_pins();
    send(line);
}

void Session::tell_pins() {
    for (const PinChange& change : pins_.take())
        send(fmt::format("IRQ {} {}", change.level ? "raise" : "lower", change.pin));
}

void Session::execute() {
    if (stepping_) return step();
    if (!line_complete()) return;
    line_ = take_line();
    log_.log(SessionLog::Kind::kReceived, start_of(line_));
    const std::string text =
        std::visit([this](const auto& request) { return run(request); }, parse_request(line_));
    if (!text.empty()) reply(text);
}

std::string Session::run(AskByteOrder) {
    return "OK little";
}

std::string Session::run(PortRead request) {
    return port_value_reply(target_.port_read(request.port, request.size));
}

std::string Session::run(PortWrite request) {
    target_.port_write(request.port, request.size, request.value);
    return "OK";
}

std::string Session::run(MemoryLoad request) {
    return memory_value_reply(target_.load(request.address, request.size));
}

std::string Session::run(MemoryStore request) {
    target_.store(request.address, request.size, request.value);
    return "OK";
}

std::string Session::run(BlockRead request) {
    std::vector<std::byte> data(request.size);
    target_.read(request.address, data);
    return block_reply(data, request.text);
}

std::string Session::run(const BlockWrite& request) {
    if (!request.remark.empty()) log_.log(SessionLog::Kind::kInfo, request.remark);
    target_.write(request.address, request.data);
    return "OK";
}

std::string Session::run(BlockFill request) {
    std::array<std::byte, 4096> piece;
    piece.fill(request.value);
    for (uint64_t done = 0; done < request.size; done += piece.size()) {
        const uint64_t count = std::min<uint64_t>(request.size - done, piece.size());
        target_.write(request.address + done, std::span(piece).first(count));
    }
    return "OK";
}

std::string Session::run(ClockStep request) {
    GuestTime* const time = target_.guest_time();
    if (time == nullptr) return unknown_command(line_);
    const int64_t now = time->now_ns();
    int64_t target = 0;
    if (!request.by_ns) {
        target = std::max(now, time->next_deadline_ns().value_or(now));
    } else if (__builtin_add_overflow(now, *request.by_ns, &target)) {
        return "FAIL The clock would leave its range";
    }
    stepping_ = target;
    step();
    return {};
}

std::string Session::run(ClockSet request) {
    GuestTime* const time = target_.guest_time();
    if (time == nullptr) return unknown_command(line_);
    // It never goes back.
    stepping_ = std::max(time->now_ns(), request.to_ns);
    step();
    return {};
}

void Session::step() {
    GuestTime* const time = target_.guest_time();
    if (!time->advance(*stepping_)) return;
    stepping_.reset();
    reply(fmt::format("OK {}", time->now_ns()));
}

std::string Session::intercept(WatchableDevice device, hw::GpioPins::Direction direction) {
    if (watched_) {
        return watched_->path == device.path ? "OK" : "FAIL IRQ intercept already enabled";
    }
    hw::GpioPins* const pins = find_pins(device, direction);
    if (pins == nullptr) return "FAIL No intercepts installed";
    pins->watch(&pins_);
    watched_ = std::move(device);
    return "OK";
}

std::string Session::run(const InterceptInputs& request) {
    auto device = target_.find_device(request.device);
    if (!device) return "FAIL Unknown device";
    if (request.named) return "FAIL Interception of named in-GPIOs not yet supported";
    return intercept(*std::move(device), hw::GpioPins::Direction::kIn);
}

std::string Session::run(const InterceptOutputs& request) {
    auto device = target_.find_device(request.device);
    if (!device) return "FAIL Unknown device";
    // No device of this machine has outputs with a name.
    if (!request.name.empty()) device->pins.clear();
    return intercept(*std::move(device), hw::GpioPins::Direction::kOut);
}

std::string Session::run(const DriveInput& request) {
    const auto device = target_.find_device(request.device);
    if (!device) return "FAIL Unknown device";
    hw::GpioPins* const pins = find_pins(*device, hw::GpioPins::Direction::kIn);
    if (pins == nullptr || !request.name.empty()) return "FAIL Unknown input list";
    if (request.pin >= pins->count()) {
        return fmt::format("FAIL The device has {} inputs", pins->count());
    }
    pins->drive(request.pin, request.level);
    return "OK";
}

// This program has no modules.
std::string Session::run(LoadModule) {
    return "FAIL";
}

std::string Session::run(const Refused& request) {
    return request.reply;
}

}  // namespace qc::qtest_server
