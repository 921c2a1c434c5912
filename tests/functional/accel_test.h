// SPDX-License-Identifier: GPL-2.0-or-later
//
// The fixture of functional tests that run under every accelerator: a directory,
// the platform as parameter, and a skip with the reason where KVM is absent.
//
// A platform is an accelerator with a machine: "tcg" on q35 and "kvm" on pc run every
// test, "tcg_pc" and "kvm_q35" those of which one more round tells something.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "tests/qtest/assertions.h"
#include "tests/qtest/vm.h"

namespace qc::qtest {

inline std::string accel_of(const std::string& platform) {
    return platform.substr(0, 3);
}
inline std::string machine_of(const std::string& platform) {
    return platform == "tcg" || platform == "kvm_q35" ? "q35" : "pc";
}
inline VmConfig platform_config(const std::string& platform, std::string_view image) {
    VmConfig config;
    config.accel = accel_of(platform);
    config.machine = machine_of(platform);
    if (!image.empty()) config.image = guest_image(image);
    return config;
}

class AccelTest : public ::testing::TestWithParam<std::string> {
 protected:
    void SetUp() override {
        if (accel() == "kvm") {
            if (auto usable = kvm_usable(); !usable) GTEST_SKIP() << usable.error().message();
        }
        directory_.emplace(ASSERT_VALUE(TempDir::create()));
    }

    std::string accel() const { return accel_of(GetParam()); }
    std::string machine() const { return machine_of(GetParam()); }

    // On hosts whose KVM runs guests in user mode, guests that page by themselves
    // and some exceptions do not run, whatever the program in front of it.
    bool kvm_is_pvm() const {
        return accel() == "kvm" && std::filesystem::exists("/sys/module/kvm_pvm");
    }

    const TempDir& directory() const { return *directory_; }

    VmConfig config(std::string_view image) const { return platform_config(GetParam(), image); }

 private:
    std::optional<TempDir> directory_;
};

inline std::string accel_name(const ::testing::TestParamInfo<std::string>& instance) {
    return instance.param;
}

#define INSTANTIATE_FOR_ACCELS(fixture) \
    INSTANTIATE_TEST_SUITE_P(Accel, fixture, ::testing::Values("tcg", "kvm"), accel_name)
// The other two platforms.
#define INSTANTIATE_FOR_OTHERS(fixture) \
    INSTANTIATE_TEST_SUITE_P(Others, fixture, ::testing::Values("tcg_pc", "kvm_q35"), accel_name)

}  // namespace qc::qtest
