// SPDX-License-Identifier: GPL-2.0-or-later
#include "state/fields.h"

#include <gtest/gtest.h>

#include "state/component_of.h"

namespace qc::state {
namespace {

enum class Mode : uint8_t { kIdle, kBusy };

struct InnerState {
    uint16_t reload = 0;
    bool gate = false;
    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("reload", s.reload);
        v("gate", s.gate);
    }
};

struct SampleState {
    uint32_t control = 0;
    Mode mode = Mode::kIdle;
    std::array<InnerState, 2> channels{};
    std::vector<uint8_t> fifo;
    uint64_t added = 77;
    template <typename Visitor, typename Self>
    static void fields(Visitor& v, Self& s) {
        v("control", s.control);
        v("mode", s.mode);
        v("channels", s.channels);
        v.counted("fifo", s.fifo, 4);
        v.since(2, "added", s.added);
    }
};

struct SampleOwner {
    SampleState state;
    SampleState save() const { return state; }
    Result<void> validate(const SampleState& candidate) const {
        if (candidate.mode > Mode::kBusy) return fail("mode is out of range");
        return {};
    }
    void restore(const SampleState& loaded) { state = loaded; }
};

using SampleComponent = ComponentOf<SampleOwner, SampleState>;

SampleOwner busy_owner() {
    SampleOwner owner;
    owner.state = {.control = 0x01020304,
                   .mode = Mode::kBusy,
                   .channels = {{{.reload = 0x1122, .gate = true}, {.reload = 3, .gate = false}}},
                   .fifo = {9, 8},
                   .added = 5};
    return owner;
}

TEST(Fields, save_is_big_endian_without_padding) {
    SampleOwner owner = busy_owner();
    SampleComponent component({.name = "sample", .version = 2}, owner);
    auto data = component.save_state();
    ASSERT_TRUE(data);
    std::vector<uint8_t> expected = {1, 2, 3, 4, 1, 0x11, 0x22, 1, 0, 3, 0, 0, 0,
                                     0, 2, 9, 8, 0, 0,    0,    0, 0, 0, 0, 5};
    ASSERT_EQ(data->size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i)
        EXPECT_EQ(std::to_integer<int>((*data)[i]), expected[i]) << i;
}

TEST(Fields, older_version_leaves_new_field_at_its_default) {
    SampleOwner owner = busy_owner();
    SampleComponent component({.name = "sample", .version = 2}, owner);
    auto data = component.save_state();
    ASSERT_TRUE(data);
    data->resize(data->size() - 8);
    auto staged = component.stage_state(1, *data);
    ASSERT_TRUE(staged) << staged.error().message();
    ASSERT_TRUE((*staged)->commit());
    EXPECT_EQ(owner.state.added, 77u);
    EXPECT_EQ(owner.state.fifo, (std::vector<uint8_t>{9, 8}));
}

TEST(Fields, refused_states_name_the_field_and_change_nothing) {
    SampleOwner owner = busy_owner();
    SampleComponent component({.name = "sample", .version = 2}, owner);
    auto data = component.save_state();
    ASSERT_TRUE(data);

    auto bad_bool = *data;
    bad_bool[7] = std::byte{2};
    auto result = component.stage_state(2, bad_bool);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("gate"), std::string::npos);

    auto bad_count = *data;
    bad_count[14] = std::byte{5};
    result = component.stage_state(2, bad_count);
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().message().find("fifo"), std::string::npos);

    auto bad_mode = *data;
    bad_mode[4] = std::byte{7};
    EXPECT_FALSE(component.stage_state(2, bad_mode));
    EXPECT_FALSE(component.stage_state(3, *data));
    EXPECT_EQ(owner.state.control, 0x01020304u);
}

TEST(Fields, print_names_nested_fields) {
    SampleOwner owner = busy_owner();
    SampleComponent component({.name = "sample", .version = 2}, owner);
    auto text = component.print_state();
    ASSERT_TRUE(text);
    EXPECT_NE(text->find("channels[0].reload: 0x1122\n"), std::string::npos);
}

}  // namespace
}  // namespace qc::state
