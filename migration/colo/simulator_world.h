// SPDX-License-Identifier: GPL-2.0-or-later
//
// The parts of the simulator: a calendar of events, a random source that is the
// same everywhere, a link, and the guests' memory.
//
// Threading: one thread.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "migration/colo/fsm_common.h"

namespace qc::migration::colo::sim {

// splitmix64 (public domain, Sebastiano Vigna): the same numbers on every host.
class Random {
 public:
    explicit Random(uint64_t seed) : state_(seed) {}
    uint64_t next() {
        state_ += 0x9e3779b97f4a7c15;
        uint64_t z = state_;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }
    // From `low` to `high`, both included.
    int64_t between(int64_t low, int64_t high) {
        return low + static_cast<int64_t>(next() % static_cast<uint64_t>(high - low + 1));
    }
    bool chance(int percent) { return between(1, 100) <= percent; }

 private:
    uint64_t state_;
};

// Events in order of time, then of planning.
class Calendar {
 public:
    int64_t now_ms() const { return now_ms_; }
    void plan(int64_t in_ms, std::function<void()> event) {
        events_.emplace(std::pair{now_ms_ + in_ms, next_++}, std::move(event));
    }
    // False if nothing is planned before `until_ms`.
    bool run_next(int64_t until_ms) {
        if (events_.empty() || events_.begin()->first.first > until_ms) return false;
        auto node = events_.extract(events_.begin());
        now_ms_ = node.key().first;
        node.mapped()();
        return true;
    }

 private:
    int64_t now_ms_ = 0;
    uint64_t next_ = 0;
    std::map<std::pair<int64_t, uint64_t>, std::function<void()>> events_;
};

inline constexpr int kPages = 8;

// What a machine holds: a number for the contents of each page and of the devices.
struct Machine {
    std::array<uint64_t, kPages> pages{};
    uint64_t devices = 0;
    bool operator==(const Machine&) const = default;
};

// What both sides share with the world around them.
struct Side {
    bool alive = true;
    bool told = false;
    bool entered = false;     // COLO
    bool guest_runs = false;  // not frozen, not dead
    bool frozen = false;
    bool closed = false;  // its end of the link
    bool finished_alone = false;
    bool quit = false;
    int exits = 0;
    int64_t planned_tick_ms = -1;
};

// A primary without a cache on the other side: what the secondary's guest wrote, its
// hashes, and what came of comparing them.
struct Comparison {
    Compare compare = Compare::kNothing;
    std::set<int> listed;
    std::vector<uint64_t> hashes;
    bool comparing = false;  // this side has hashed
    std::set<int> patched;
    uint64_t equal = 0;

    bool complete() const {
        return comparing && hashes.size() == listed.size() * hash_words(compare);
    }
    // Takes out of `captured` what is equal. In this world a page's hash is its contents,
    // once for each word.
    void settle(std::set<int>& captured, const Machine& snapshot, Random& random) {
        comparing = false;
        size_t number = 0;
        for (int page : listed) {
            const uint64_t theirs = hashes[hash_words(compare) * number++];
            if (!captured.contains(page)) continue;  // a mutant's
            if (theirs == snapshot.pages[page]) {
                captured.erase(page);
                ++equal;
            } else if (compare == Compare::kPieces && random.chance(70)) {
                patched.insert(page);
            }
        }
    }
};

struct PageData {
    uint64_t epoch = 0;
    int page = 0;
    uint64_t contents = 0;
    bool patched = false;  // it came in pieces
};
// The end of the stream, as the receiver sees it.
struct End {};
using Wire = std::variant<PeerMessage, PageData, End>;

// One direction of the connection: first in, first out, as TCP.
class Pipe {
 public:
    Pipe(Calendar& calendar, Random& random, int most_delay_ms, int drop_per_mille,
         std::function<void(const Wire&)> deliver)
        : calendar_(calendar),
          random_(random),
          most_delay_ms_(most_delay_ms),
          drop_per_mille_(drop_per_mille),
          deliver_(std::move(deliver)) {}

    void send(Wire wire) {
        if (ended_ || silent_) return;
        bool is_end = std::holds_alternative<End>(wire);
        if (is_end) ended_ = true;
        // Only a broken link loses what lies between two messages that arrive; the
        // protocol must notice that as well.
        if (!is_end && random_.between(1, 1000) <= drop_per_mille_) return;
        int64_t at = std::max(calendar_.now_ms() + random_.between(0, most_delay_ms_), last_ms_);
        last_ms_ = at;
        calendar_.plan(at - calendar_.now_ms(), [this, wire = std::move(wire)] {
            if (!silent_) deliver_(wire);
        });
    }
    // Nothing arrives any more, and nobody is told.
    void go_silent() { silent_ = true; }

 private:
    Calendar& calendar_;
    Random& random_;
    int most_delay_ms_;
    int drop_per_mille_;
    std::function<void(const Wire&)> deliver_;
    int64_t last_ms_ = 0;
    bool ended_ = false;
    bool silent_ = false;
};

}  // namespace qc::migration::colo::sim
