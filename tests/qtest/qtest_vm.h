// SPDX-License-Identifier: GPL-2.0-or-later
//
// A machine started the way QEMU's own test programs start one: the test listens on two
// sockets, for the qtest protocol and for QMP, and the program connects to both.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/qtest/process.h"
#include "tests/qtest/qmp_client.h"
#include "tests/qtest/qtest_client.h"
#include "tests/qtest/temp_dir.h"

namespace qc::qtest {

class QtestVm {
 public:
    // `words` come before "-accel qtest", which is the last that is tried.
    static Result<std::unique_ptr<QtestVm>> start(const TempDir& directory,
                                                  std::vector<std::string> words);

    Process& process() { return process_; }
    QtestClient& qtest() { return qtest_; }
    QmpClient& qmp() { return qmp_; }
    // SIGTERM, and the exit status that follows.
    Result<ExitStatus> terminate();

 private:
    QtestVm(Process process, QtestClient qtest, QmpClient qmp)
        : process_(std::move(process)), qtest_(std::move(qtest)), qmp_(std::move(qmp)) {}

    Process process_;
    QtestClient qtest_;
    QmpClient qmp_;
};

}  // namespace qc::qtest
