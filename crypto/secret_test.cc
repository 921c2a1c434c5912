// SPDX-License-Identifier: GPL-2.0-or-later
#include "crypto/secret.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace qc::crypto {
namespace {

TEST(SecretTest, data_or_file_but_not_both) {
    const std::string path = testing::TempDir() + "qc-secret-" + std::to_string(getpid());
    std::ofstream(path) << "Zm9v";
    EXPECT_EQ(*load_secret({.data = "x\ny", .file = {}}), "x\ny");
    EXPECT_EQ(*load_secret({.data = {}, .file = path}), "Zm9v");
    EXPECT_EQ(*load_secret({.data = {}, .file = path, .format = SecretFormat::kBase64}), "foo");
    EXPECT_FALSE(load_secret({.data = "x", .file = path}));
    EXPECT_FALSE(load_secret({}));
    unlink(path.c_str());
    auto gone = load_secret({.data = {}, .file = path});
    ASSERT_FALSE(gone);
    EXPECT_NE(gone.error().message().find(path), std::string::npos);
    EXPECT_FALSE(load_secret({.data = {}, .file = "/"}));
    EXPECT_FALSE(load_secret({.data = {}, .file = "/dev/zero"}));
}

}  // namespace
}  // namespace qc::crypto
