// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/bus_error.h"

#include <csetjmp>
#include <csignal>
#include <cstdint>

#include "util/mutex.h"
#include "util/out_of_memory.h"

namespace qc {

namespace {

constexpr size_t kPage = 4096;

// Where this thread's touch_pages() goes on after the signal. A signal's handler has no
// other way to learn of it.
thread_local sigjmp_buf* landing = nullptr;

void handle_bus_error(int) {
    if (landing != nullptr) siglongjmp(*landing, 1);
    end_for_want_of(
        "host memory: a page of a mapped file cannot be had (SIGBUS): is its file system full?");
}

}  // namespace

void end_on_bus_error() {
    struct sigaction action{};
    action.sa_handler = handle_bus_error;
    sigemptyset(&action.sa_mask);
    (void)sigaction(SIGBUS, &action, nullptr);
}

bool touch_pages(std::span<std::byte> bytes) {
    // Several threads may: it is the same handler.
    end_on_bus_error();
    sigjmp_buf here;
    // Volatile: it is read after the jump.
    volatile bool done = false;
    if (sigsetjmp(here, 1) == 0) {
        landing = &here;
        for (size_t i = 0; i < bytes.size(); i += kPage) {
            auto* byte = reinterpret_cast<unsigned char*>(bytes.data() + i);
            __atomic_fetch_or(byte, 0, __ATOMIC_RELAXED);
        }
        done = true;
    }
    landing = nullptr;
    return done;
}

}  // namespace qc
