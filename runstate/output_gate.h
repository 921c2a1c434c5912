// SPDX-License-Identifier: GPL-2.0-or-later
//
// Between a guest and the world, while the guest is ahead of its insurance: after
// a checkpoint was captured and before the peer holds it, nothing that the guest
// does may become visible. Whatever could make it visible (a packet comparer, a
// replicated disk) registers here, holds back what it gets while the gate is
// closed, and lets go when it opens.
//
//   guest stopped, captured -- close() -- guest runs -- the peer has it -- open()
//                                                    \- the peer is gone - open()
//
// A side that may not be heard at all (it lost its peer and was told nothing)
// leaves the gate closed, with its guest stopped.
//
// Threading: thread-safe. Owned by system::Machine.
#pragma once

#include <vector>

#include "util/mutex.h"

namespace qc::runstate {

class GatedOutput {
 public:
    virtual ~GatedOutput() = default;
    // The VM stands still. What comes from the guest after the return is held, in
    // order; what came before is not affected. Must not block.
    virtual void gate_closed() = 0;
    // What was held goes out, in order, before anything newer. Any run state. Must
    // not block.
    virtual void gate_opened() = 0;
};

class OutputGate {
 public:
    // An output that is added while the gate is closed is told so at once.
    void add(GatedOutput& output) EXCLUDES(mutex_);
    // No call reaches the output after the return. What it holds is its own affair.
    void remove(GatedOutput& output) EXCLUDES(mutex_);

    // Both do nothing if the gate is so already.
    void close() EXCLUDES(mutex_);
    void open() EXCLUDES(mutex_);
    bool closed() const EXCLUDES(mutex_);

 private:
    mutable Mutex mutex_;
    std::vector<GatedOutput*> outputs_ GUARDED_BY(mutex_);
    bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace qc::runstate
