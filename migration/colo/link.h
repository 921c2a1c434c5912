// SPDX-License-Identifier: GPL-2.0-or-later
//
// The connection between the two sides while COLO runs: sends messages for the
// driver's thread, and has a thread of its own that receives.
//
// Threading: send(), start() and join() belong to the driver's thread; close() is
// thread-safe. The handler is called in the reader's thread.
#pragma once

#include <atomic>
#include <string>

#include "migration/break_point.h"
#include "migration/colo/codec.h"
#include "migration/colo/fsm_common.h"
#include "migration/gather_writer.h"
#include "migration/stream_reader.h"
#include "util/thread.h"

namespace qc::migration::colo {

class LinkHandler {
 public:
    virtual ~LinkHandler() = default;
    // A PAGES, ZEROS or PIECES message whose header has been read.
    virtual Result<void> pages_arrive(const Header& header, StreamReader& in) = 0;
    virtual Result<void> message_arrives(PeerMessage message) = 0;
    // The last call: nothing arrives any more.
    virtual void link_ended(const std::string& why) = 0;
};

class Link {
 public:
    Link(GatherWriter& writer, StreamReader& reader, BreakPoint& breaks)
        : writer_(writer), reader_(reader), breaks_(breaks) {}
    // close() and join() were called, if start() was.
    ~Link() = default;

    void start(LinkHandler& handler);
    Result<void> send(uint64_t epoch, const Message& message);
    // Everything that was put into the writer.
    Result<void> flush();
    // Breaks whoever hangs in the connection.
    void close() { breaks_.break_channel(); }
    void join();

    GatherWriter& writer() { return writer_; }
    uint64_t bytes_received() const { return received_.load(std::memory_order_relaxed); }

 private:
    Result<void> receive(LinkHandler& handler);

    GatherWriter& writer_;
    StreamReader& reader_;
    BreakPoint& breaks_;
    std::atomic<uint64_t> received_{0};
    Thread thread_;
};

}  // namespace qc::migration::colo
