// SPDX-License-Identifier: GPL-2.0-or-later
#include "target/i386/cpu_request.h"

#include <algorithm>
#include <iterator>

namespace qc::i386 {

namespace {

using Kind = CpuProperty::Kind;

constexpr CpuProperty kProperties[] = {
    {"vendor", Kind::kString, 0, 0, "twelve characters"},
    {"model-id", Kind::kString, 0, 0, "at most 48 characters"},
    {"family", Kind::kNumber, 0, 0xff + 0xf, "as CPUID leaf 1 has it, extended family added"},
    {"model", Kind::kNumber, 0, 0xff, "as CPUID leaf 1 has it, extended model included"},
    {"stepping", Kind::kNumber, 0, 0xf, "as CPUID leaf 1 has it"},
    {"level", Kind::kNumber, 0, 0xff, "highest basic CPUID leaf"},
    {"xlevel", Kind::kNumber, 0, 0x800000ff, "highest extended CPUID leaf"},
    {"min-level", Kind::kNumber, 0, 0xff, "highest basic leaf, unless a feature needs more"},
    {"min-xlevel", Kind::kNumber, 0, 0x800000ff, "highest extended leaf, likewise"},
    {"phys-bits", Kind::kNumber, 0, 52, "width of physical addresses; 0: the model's"},
    {"check", Kind::kBool, 0, 0, "warn of features that the accelerator lacks"},
    {"enforce", Kind::kBool, 0, 0, "refuse to start without them"},
    {"kvm", Kind::kBool, 0, 0, "show KVM's CPUID leaves"},
};

// Splits off what stands before the next comma.
std::string_view next_element(std::string_view& rest) {
    size_t end = rest.find(',');
    std::string_view element = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    return element;
}

}  // namespace

std::span<const CpuProperty> cpu_property_table() {
    return kProperties;
}

const CpuProperty* find_cpu_property(std::string_view name) {
    auto found = std::ranges::find(kProperties, name, &CpuProperty::name);
    return found == std::end(kProperties) ? nullptr : &*found;
}

std::string cpu_key(std::string_view name) {
    std::string text(name);
    std::ranges::replace(text, '_', '-');
    return text;
}

Result<CpuRequest> parse_cpu_request(std::string_view text) {
    CpuRequest request{.model = std::string(next_element(text)), .settings = {}};
    if (request.model.empty()) return fail("-cpu option cannot be empty");
    std::vector<CpuSetting> signs;
    while (!text.empty()) {
        std::string_view element = next_element(text);
        if (element.empty()) continue;
        if (element[0] == '+' || element[0] == '-') {
            signs.push_back({.key = cpu_key(element.substr(1)),
                             .value = element[0] == '+' ? "on" : "off",
                             .is_sign = true});
            continue;
        }
        size_t equals = element.find('=');
        request.settings.push_back({.key = cpu_key(element.substr(0, equals)),
                                    .value = equals == std::string_view::npos
                                                 ? "on"
                                                 : std::string(element.substr(equals + 1))});
    }
    std::ranges::move(signs, std::back_inserter(request.settings));
    return request;
}

}  // namespace qc::i386
