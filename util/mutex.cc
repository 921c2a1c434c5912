// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/mutex.h"

#include "util/machine_lock.h"

namespace qc {

void CondVar::wait(Mutex& mutex) {
    assert_may_block();
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    condition_.wait(lock);
    lock.release();
}

bool CondVar::wait_until(Mutex& mutex, std::chrono::steady_clock::time_point deadline) {
    assert_may_block();
    std::unique_lock lock(mutex.mutex_, std::adopt_lock);
    const auto status = condition_.wait_until(lock, deadline);
    lock.release();
    return status == std::cv_status::no_timeout;
}

}  // namespace qc
