// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/qtest_vm.h"

#include <csignal>

#include "tests/qtest/stream_peer.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {

Result<std::unique_ptr<QtestVm>> QtestVm::start(const TempDir& directory,
                                                std::vector<std::string> words) {
    const std::string qtest_path = directory.file("qtest.sock");
    const std::string qmp_path = directory.file("qtest.qmp");
    StreamListener qtest_listener = TRY(StreamListener::listen(qtest_path));
    StreamListener qmp_listener = TRY(StreamListener::listen(qmp_path));
    std::vector<std::string> command = {binary_path(),
                                        "-qtest",
                                        "unix:" + qtest_path,
                                        "-qtest-log",
                                        directory.file("qtest.log"),
                                        "-chardev",
                                        "socket,path=" + qmp_path + ",id=char0",
                                        "-mon",
                                        "chardev=char0,mode=control",
                                        "-display",
                                        "none",
                                        "-audio",
                                        "none"};
    command.insert(command.end(), words.begin(), words.end());
    command.insert(command.end(), {"-accel", "qtest"});
    Process process = TRY(Process::spawn({.arguments = std::move(command),
                                          .stdout_path = directory.file("qtest.out"),
                                          .stderr_path = directory.file("qtest.err")}));
    const Deadline deadline = Deadline::in(kUsual);
    auto accept = [&](StreamListener& listener) -> Result<UniqueFd> {
        auto peer = listener.accept(deadline);
        if (!peer) return fail("nobody connected; the program said: {}", process.stderr_text());
        return peer->take_fd();
    };
    QtestClient qtest(TRY(accept(qtest_listener)));
    UniqueFd qmp_socket = TRY(accept(qmp_listener));
    const std::string order = TRY(qtest.ask("endianness"));
    if (order != "OK little") return fail("endianness: {}", order);
    QmpClient qmp = TRY(QmpClient::adopt(std::move(qmp_socket), deadline));
    TRY(qmp.negotiate());
    return std::unique_ptr<QtestVm>(
        new QtestVm(std::move(process), std::move(qtest), std::move(qmp)));
}

Result<ExitStatus> QtestVm::terminate() {
    process_.send_signal(SIGTERM);
    return process_.wait(Deadline::in(kUsual));
}

}  // namespace qc::qtest
