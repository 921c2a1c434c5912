// SPDX-License-Identifier: GPL-2.0-or-later
//
// Two hosts of a test, each a network namespace, with two cables between them. Needs
// root and iproute2.
//
// Threading: one thread.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "tests/qtest/temp_dir.h"
#include "util/result.h"

namespace qc::qtest {

class TwoHosts {
 public:
    enum class Cable : uint8_t { kFirst, kSecond };

    // An error: why namespaces cannot be made here.
    static Result<TwoHosts> create(const TempDir& directory);
    ~TwoHosts();
    TwoHosts(TwoHosts&& other) noexcept;
    TwoHosts& operator=(TwoHosts&&) = delete;

    // What to put before a command line to run it on host 0 or 1.
    std::vector<std::string> on_host(size_t host) const;
    // The address of a host on a cable.
    static std::string address(size_t host, Cable cable);
    // Frames are lost silently while it is pulled.
    Result<void> pull(Cable cable);
    Result<void> plug(Cable cable);
    // From now on so many kilobits a second go through it, in each direction.
    Result<void> slow(Cable cable, unsigned kilobits);

 private:
    TwoHosts(std::string name, const TempDir& directory)
        : names_({name + "a", name + "b"}), log_(directory.file("ip.log")) {}
    Result<void> ip(const std::vector<std::string>& words) const;
    Result<void> run_command(std::vector<std::string> words) const;

    std::array<std::string, 2> names_;
    std::string log_;
    bool alive_ = true;
};

}  // namespace qc::qtest
