// SPDX-License-Identifier: GPL-2.0-or-later
#include "state/conformance.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <random>

namespace qc::state {

namespace {

using Bytes = std::vector<std::byte>;

Bytes saved(ConformanceSubject& subject) {
    auto data = subject.component().save_state();
    EXPECT_TRUE(data) << data.error().message();
    return data ? *data : Bytes{};
}

uint32_t version_of(ConformanceSubject& subject) {
    return subject.component().state_id().version;
}

void load(ConformanceSubject& subject, const Bytes& data) {
    auto staged = subject.component().stage_state(version_of(subject), data);
    ASSERT_TRUE(staged) << staged.error().message();
    auto committed = (*staged)->commit();
    ASSERT_TRUE(committed) << committed.error().message();
}

void expect_refused(ConformanceSubject& subject, uint32_t version, const Bytes& data,
                    const std::string& what) {
    Bytes before = saved(subject);
    auto staged = subject.component().stage_state(version, data);
    EXPECT_FALSE(staged) << what << " was accepted";
    if (!staged) {
        EXPECT_FALSE(staged.error().message().empty());
    }
    EXPECT_EQ(before, saved(subject)) << what << " changed the device";
}

std::string to_hex(const Bytes& data) {
    std::string text;
    for (size_t i = 0; i < data.size(); ++i) {
        text += fmt::format("{:02x}", static_cast<unsigned>(data[i]));
        text += (i + 1) % 32 == 0 || i + 1 == data.size() ? "\n" : " ";
    }
    return text;
}

void check_golden(const std::string& golden_file, const Bytes& data) {
    std::string path = std::string(QC_SOURCE_DIR) + "/tests/data/vmstate/" + golden_file;
    if (std::getenv("QC_UPDATE_GOLDEN") != nullptr) {
        std::ofstream(path) << to_hex(data);
        return;
    }
    std::ifstream file(path);
    ASSERT_TRUE(file) << "no golden state " << path;
    std::string expected((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_EQ(expected, to_hex(data)) << "the saved form changed: raise the version";
}

}  // namespace

void check_conformance(const std::function<std::unique_ptr<ConformanceSubject>()>& make,
                       const std::string& golden_file) {
    auto source = make();
    source->exercise(1);
    const Bytes data = saved(*source);
    ASSERT_FALSE(data.empty());
    if (!golden_file.empty()) check_golden(golden_file, data);

    auto fresh = make();
    load(*fresh, data);
    EXPECT_EQ(data, saved(*fresh)) << "round trip into a fresh device";

    auto running = make();
    running->exercise(2);
    EXPECT_NE(data, saved(*running)) << "exercise(2) leaves the same state as exercise(1)";
    load(*running, data);
    EXPECT_EQ(data, saved(*running)) << "load on a device that was running";
    load(*running, data);
    EXPECT_EQ(data, saved(*running)) << "second load";

    for (size_t length = 0; length < data.size(); ++length) {
        expect_refused(*running, version_of(*running), Bytes(data.begin(), data.begin() + length),
                       fmt::format("state cut to {} bytes", length));
    }
    Bytes longer = data;
    longer.push_back(std::byte{0});
    expect_refused(*running, version_of(*running), longer, "state with a surplus byte");
    expect_refused(*running, version_of(*running) + 1, data, "a future version");

    std::mt19937 random(1);
    for (int round = 0; round < 200; ++round) {
        Bytes damaged = data;
        damaged[random() % damaged.size()] ^= std::byte(1u << (random() % 8));
        auto staged = running->component().stage_state(version_of(*running), damaged);
        if (staged) (void)(*staged)->commit();
    }
    load(*running, data);
    EXPECT_EQ(data, saved(*running)) << "load after damaged states";
}

}  // namespace qc::state
