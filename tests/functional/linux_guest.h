// SPDX-License-Identifier: GPL-2.0-or-later
//
// What tests with the guests of scripts/guest-images share: they are skipped when the
// images could not be made.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "tests/qtest/assertions.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {

// A boot takes seconds, and on a busy host its minute.
inline constexpr auto kBoot = std::chrono::seconds(180);

class LinuxGuest : public ::testing::Test {
 protected:
    void SetUp() override {
        if (!std::filesystem::exists(image("initrd.gz"))) {
            GTEST_SKIP() << "there is no Linux guest: scripts/guest-images could not make it";
        }
        directory_.emplace(ASSERT_VALUE(TempDir::create()));
    }
    // An image that scripts/guest-images made.
    static std::string image(const std::string& name) {
        return std::filesystem::path(guest_image("")).parent_path().parent_path() / "images" / name;
    }
    // Debian's kernel with one of its initrds, and words for its command line. `kernel`:
    // "vmlinuz" is a bzImage, "vmlinux" the same entered by PVH, which is quicker.
    static VmConfig linux_config(const std::string& machine, int cpus, const std::string& initrd,
                                 const std::string& words, const std::string& kernel = "vmlinux") {
        VmConfig config;
        config.machine = machine;
        config.memory_mib = 192;
        config.extra = {"-kernel",     image(kernel), "-initrd",
                        image(initrd), "-append",     "console=ttyS0 quiet " + words,
                        "-no-reboot",  "-smp",        std::to_string(cpus)};
        return config;
    }
    const TempDir& directory() const { return *directory_; }

 private:
    std::optional<TempDir> directory_;
};

}  // namespace qc::qtest
