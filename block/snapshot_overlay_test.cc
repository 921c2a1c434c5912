// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/snapshot_overlay.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>

#include "block/test_support.h"

namespace qc::block {
namespace {

constexpr size_t kCluster = SnapshotOverlay::kClusterSize;

struct Fixture {
    explicit Fixture(size_t bytes) {
        auto image = std::make_unique<FakeImage>(bytes);
        base = image.get();
        for (size_t i = 0; i < bytes; ++i)
            base->bytes()[i] = static_cast<char>('a' + i % 23);
        overlay = SnapshotOverlay::create(std::move(image), "/tmp").value();
    }
    std::string read(uint64_t offset, size_t bytes) {
        std::string text(bytes, '?');
        EXPECT_EQ(read_text(*overlay, offset, text), 0);
        return text;
    }
    std::string base_text(size_t offset, size_t bytes) const {
        return {base->bytes().data() + offset, bytes};
    }
    FakeImage* base;
    std::unique_ptr<SnapshotOverlay> overlay;
};

TEST(SnapshotOverlay, unwritten_bytes_are_the_base_s) {
    Fixture f(3 * kCluster);
    EXPECT_EQ(f.read(10, 2 * kCluster), f.base_text(10, 2 * kCluster));
}

TEST(SnapshotOverlay, write_is_read_back_and_never_reaches_the_base) {
    Fixture f(3 * kCluster);
    std::string before = f.base_text(0, 3 * kCluster);
    EXPECT_EQ(write_text(*f.overlay, kCluster - 4, "12345678"), 0);
    EXPECT_EQ(f.read(kCluster - 6, 12),
              before.substr(kCluster - 6, 2) + "12345678" + before.substr(kCluster + 4, 2));
    EXPECT_EQ(f.base_text(0, 3 * kCluster), before);
    EXPECT_EQ(f.overlay->discard(0, kCluster), 0);
    EXPECT_EQ(f.overlay->flush(), 0);
    EXPECT_EQ(f.base->flushes, 0);
}

TEST(SnapshotOverlay, last_cluster_may_be_short) {
    Fixture f(kCluster + 512);
    EXPECT_EQ(write_text(*f.overlay, kCluster + 100, "end"), 0);
    EXPECT_EQ(f.read(kCluster, 512),
              f.base_text(kCluster, 100) + "end" + f.base_text(kCluster + 103, 409));
}

TEST(SnapshotOverlay, failing_base_fails_the_partial_write_and_keeps_the_cluster) {
    Fixture f(2 * kCluster);
    f.base->error = EIO;
    EXPECT_EQ(write_text(*f.overlay, 10, "x"), EIO);
    f.base->error = 0;
    EXPECT_EQ(f.read(0, 100), f.base_text(0, 100));
    f.base->error = EIO;
    EXPECT_EQ(write_text(*f.overlay, 0, std::string(kCluster, 'w')), 0)
        << "a whole cluster needs nothing of the base";
}

TEST(SnapshotOverlay, random_requests_match_a_copy_in_memory) {
    Fixture f(9 * kCluster + 1536);
    std::string model = f.base_text(0, f.base->bytes().size());
    std::mt19937 random(21);
    for (int i = 0; i < 3000; ++i) {
        size_t offset = random() % model.size();
        size_t bytes = 1 + random() % std::min<size_t>(model.size() - offset, 3 * kCluster);
        if (random() % 2) {
            std::string text(bytes, static_cast<char>('A' + random() % 26));
            model.replace(offset, bytes, text);
            ASSERT_EQ(write_text(*f.overlay, offset, text), 0);
        } else {
            ASSERT_EQ(f.read(offset, bytes), model.substr(offset, bytes));
        }
    }
}

TEST(SnapshotOverlay, directory_that_is_missing_is_named) {
    auto overlay = SnapshotOverlay::create(std::make_unique<FakeImage>(512), "/nowhere");
    ASSERT_FALSE(overlay);
    EXPECT_NE(overlay.error().message().find("/nowhere"), std::string::npos);
}

}  // namespace
}  // namespace qc::block
