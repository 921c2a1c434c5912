// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/serial_capture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "tests/qtest/temp_dir.h"

namespace qc::qtest {
namespace {

// A file cannot be waited for; looking every 2 ms costs nothing.
constexpr useconds_t kPollMicroseconds = 2000;

}  // namespace

size_t SerialCapture::size() const {
    struct stat status = {};
    return stat(path_.c_str(), &status) < 0 ? 0 : static_cast<size_t>(status.st_size);
}

std::string SerialCapture::text() const {
    return read_file(path_);
}

Result<void> SerialCapture::wait_for(std::string_view wanted, Deadline deadline,
                                     size_t from) const {
    size_t seen = 0;
    while (true) {
        if (const size_t now = size(); now != seen) {
            seen = now;
            if (text().find(wanted, from) != std::string::npos) return {};
        }
        if (deadline.passed()) {
            const std::string all = text();
            return fail("the guest did not print '{}'; the last it printed is '{}'", wanted,
                        all.substr(all.size() < 200 ? 0 : all.size() - 200));
        }
        usleep(kPollMicroseconds);
    }
}

Result<size_t> SerialCapture::wait_growth(size_t old_size, Deadline deadline) const {
    while (true) {
        if (const size_t now = size(); now > old_size) return now;
        if (deadline.passed()) return fail("the guest prints nothing after {} bytes", old_size);
        usleep(kPollMicroseconds);
    }
}

}  // namespace qc::qtest
