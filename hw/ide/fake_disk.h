// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests: a disk in memory whose requests wait until complete() is called.
#pragma once

#include <cerrno>
#include <cstring>
#include <deque>
#include <span>
#include <vector>

#include "block/block_device.h"

namespace qc::hw {

class FakeDisk final : public block::BlockDevice {
 public:
    explicit FakeDisk(size_t sectors) : bytes(sectors * 512) {
        for (size_t i = 0; i < bytes.size(); ++i)
            bytes[i] = static_cast<uint8_t>(i / 512 + i % 512 * 3);
    }
    uint64_t length() const override { return bytes.size(); }
    bool read_only() const override { return false; }
    void submit(block::BlockRequest request) override { waiting.push_back(std::move(request)); }
    void attach_tray(block::Tray* drive) override { tray = drive; }
    void tray_moved(bool open) override { moves.push_back(open); }

    // Carries out what waits, and what that leads to.
    void complete() {
        while (!waiting.empty()) {
            block::BlockRequest request = std::move(waiting.front());
            waiting.pop_front();
            int result = error;
            if (result == 0) result = carry_out(request);
            ++completed;
            request.done(result);
        }
    }

    std::vector<uint8_t> bytes;
    std::deque<block::BlockRequest> waiting;
    block::Tray* tray = nullptr;
    std::vector<bool> moves;  // the guest's
    int error = 0;
    int completed = 0;
    int flushes = 0;
    int discards = 0;

 private:
    int carry_out(block::BlockRequest& request) {
        if (request.op == block::BlockOp::kFlush) ++flushes;
        if (request.op == block::BlockOp::kDiscard) ++discards;
        if (request.op == block::BlockOp::kWriteZeroes) {
            if (request.offset + request.length > bytes.size()) return EINVAL;
            std::memset(bytes.data() + request.offset, 0, request.length);
        }
        if (request.memory) {
            if (request.offset + request.length > bytes.size()) return EINVAL;
            const auto data = std::as_writable_bytes(std::span(bytes));
            return request.memory->move(0, data.subspan(request.offset, request.length));
        }
        uint64_t at = request.offset;
        for (iovec& buffer : request.buffers) {
            if (at + buffer.iov_len > bytes.size()) return EINVAL;
            if (request.op == block::BlockOp::kRead) {
                std::memcpy(buffer.iov_base, bytes.data() + at, buffer.iov_len);
            } else {
                std::memcpy(bytes.data() + at, buffer.iov_base, buffer.iov_len);
            }
            at += buffer.iov_len;
        }
        return 0;
    }
};

}  // namespace qc::hw
