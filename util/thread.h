// SPDX-License-Identifier: GPL-2.0-or-later
//
// A named thread that is joined before its object dies. The destructor asserts
// that join() was called: who starts a thread also says when it ends.
#pragma once

#include <pthread.h>

#include <functional>
#include <string>
#include <thread>

namespace qc {

class Thread {
 public:
    Thread() = default;
    // `name` is cut to 15 bytes, Linux' limit.
    Thread(std::string name, std::move_only_function<void()> body);
    ~Thread();
    Thread(Thread&&) noexcept;
    Thread& operator=(Thread&&) noexcept;

    bool joinable() const { return thread_.joinable(); }
    // Waits for the body to return. The caller must not hold a machine lock.
    void join();
    bool is_current() const { return thread_.get_id() == std::this_thread::get_id(); }
    // For pthread_kill().
    pthread_t native_handle() { return thread_.native_handle(); }

 private:
    std::thread thread_;
};

}  // namespace qc
