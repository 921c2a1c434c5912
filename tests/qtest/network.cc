// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/network.h"

#include <unistd.h>

#include <utility>

#include "tests/qtest/process.h"

namespace qc::qtest {

namespace {

std::string device(TwoHosts::Cable cable) {
    return fmt::format("cable{}", std::to_underlying(cable));
}

}  // namespace

TwoHosts::TwoHosts(TwoHosts&& other) noexcept
    : names_(other.names_), log_(other.log_), alive_(std::exchange(other.alive_, false)) {}

TwoHosts::~TwoHosts() {
    if (!alive_) return;
    for (const std::string& name : names_)
        (void)ip({"netns", "del", name});
}

Result<TwoHosts> TwoHosts::create(const TempDir& directory) {
    if (geteuid() != 0) return fail("network namespaces need root");
    TwoHosts hosts(fmt::format("qctest{}", getpid()), directory);
    for (const std::string& name : hosts.names_)
        TRY(hosts.ip({"netns", "add", name}));
    for (Cable cable : {Cable::kFirst, Cable::kSecond}) {
        const std::string end = device(cable);
        TRY(hosts.ip({"link", "add", end, "netns", hosts.names_[0], "type", "veth", "peer", "name",
                      end, "netns", hosts.names_[1]}));
        for (size_t host = 0; host < 2; ++host) {
            const std::string& name = hosts.names_[host];
            TRY(hosts.ip({"-n", name, "addr", "add", address(host, cable) + "/24", "dev", end}));
            TRY(hosts.ip({"-n", name, "link", "set", end, "up"}));
        }
    }
    return hosts;
}

std::vector<std::string> TwoHosts::on_host(size_t host) const {
    return {"ip", "netns", "exec", names_[host]};
}

std::string TwoHosts::address(size_t host, Cable cable) {
    return fmt::format("10.77.{}.{}", std::to_underlying(cable) + 1, host + 1);
}

Result<void> TwoHosts::pull(Cable cable) {
    return ip({"-n", names_[0], "link", "set", device(cable), "down"});
}

Result<void> TwoHosts::plug(Cable cable) {
    return ip({"-n", names_[0], "link", "set", device(cable), "up"});
}

Result<void> TwoHosts::slow(Cable cable, unsigned kilobits) {
    for (size_t host = 0; host < 2; ++host) {
        std::vector<std::string> words = on_host(host);
        for (const std::string& word :
             {std::string("tc"), std::string("qdisc"), std::string("replace"), std::string("dev"),
              device(cable), std::string("root"), std::string("tbf"), std::string("rate"),
              fmt::format("{}kbit", kilobits), std::string("burst"), std::string("16k"),
              std::string("latency"), std::string("2s")}) {
            words.push_back(word);
        }
        TRY(run_command(std::move(words)));
    }
    return {};
}

Result<void> TwoHosts::ip(const std::vector<std::string>& words) const {
    std::vector<std::string> all = {"ip"};
    all.insert(all.end(), words.begin(), words.end());
    return run_command(std::move(all));
}

Result<void> TwoHosts::run_command(std::vector<std::string> words) const {
    std::string line;
    for (const std::string& word : words)
        line += word + " ";
    const ExitStatus status =
        TRY(run({.arguments = std::move(words), .stdout_path = log_, .stderr_path = log_},
                Deadline::in(kUsual)));
    if (status != ExitStatus::exited(0)) return fail("{}: {}", line, read_file(log_));
    return {};
}

}  // namespace qc::qtest
