// SPDX-License-Identifier: GPL-2.0-or-later
//
// For tests: an output behind the gate that says numbers.
//
// Threading: thread-safe.
#pragma once

#include <vector>

#include "runstate/output_gate.h"

namespace qc::runstate {

class FakeOutput final : public GatedOutput {
 public:
    void say(int word) EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        (holding_ ? held_ : heard_).push_back(word);
    }
    void gate_closed() override {
        MutexLock lock(mutex_);
        holding_ = true;
        ++closings_;
    }
    void gate_opened() override {
        MutexLock lock(mutex_);
        holding_ = false;
        ++openings_;
        heard_.insert(heard_.end(), held_.begin(), held_.end());
        held_.clear();
    }

    std::vector<int> heard() const EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        return heard_;
    }
    int closings() const EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        return closings_;
    }
    int openings() const EXCLUDES(mutex_) {
        MutexLock lock(mutex_);
        return openings_;
    }

 private:
    mutable Mutex mutex_;
    bool holding_ GUARDED_BY(mutex_) = false;
    std::vector<int> held_ GUARDED_BY(mutex_);
    std::vector<int> heard_ GUARDED_BY(mutex_);
    int closings_ GUARDED_BY(mutex_) = 0;
    int openings_ GUARDED_BY(mutex_) = 0;
};

}  // namespace qc::runstate
