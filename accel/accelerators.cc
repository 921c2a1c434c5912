// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/accelerators.h"

#include <algorithm>
#include <functional>
#include <iterator>

#include "accel/kvm/kvm_accelerator.h"
#include "accel/qtest/qtest_accelerator.h"
#include "accel/tcg/tcg_accelerator.h"

namespace qc::accel {

namespace {

using Start = std::function<Result<std::unique_ptr<Accelerator>>(const AcceleratorDeps&)>;

struct Entry {
    std::string_view name;
    // Takes the properties that it knows.
    Result<Start> (*prepare)(OptionString& options);
};

Result<Start> prepare_kvm(OptionString& options) {
    kvm::KvmOptions parsed = TRY(kvm::parse_kvm_options(options));
    return Start([parsed](const AcceleratorDeps& deps) {
        return kvm::create_kvm_accelerator(parsed, deps);
    });
}

Result<Start> prepare_tcg(OptionString&) {
    return Start([](const AcceleratorDeps& deps) { return tcg::TcgAccelerator::create(deps); });
}

Result<Start> prepare_qtest(OptionString&) {
    return Start([](const AcceleratorDeps& deps) { return qtest::QtestAccelerator::create(deps); });
}

constexpr Entry kEntries[] = {
    {"kvm", prepare_kvm},
    {"qtest", prepare_qtest},
    {"tcg", prepare_tcg},
};
constexpr std::string_view kNames[] = {kEntries[0].name, kEntries[1].name, kEntries[2].name};
static_assert(std::size(kNames) == std::size(kEntries));

struct Candidate {
    std::string_view name;
    Start start;
};

Result<Candidate> prepare(OptionString options) {
    const std::string name = options.take("accel").value_or("");
    const auto* entry = std::ranges::find(kEntries, name, &Entry::name);
    if (entry == std::end(kEntries)) return fail("invalid accelerator {}", name);
    Candidate candidate{entry->name, TRY(entry->prepare(options))};
    TRY(options.expect_empty());
    return candidate;
}

}  // namespace

std::span<const std::string_view> accelerator_names() {
    return kNames;
}

Result<AcceleratorChoice> choose_accelerator(const std::vector<OptionString>& candidates,
                                             const AcceleratorDeps& deps) {
    std::vector<Candidate> prepared;
    for (const OptionString& options : candidates)
        prepared.push_back(TRY(prepare(options)));
    AcceleratorChoice choice;
    for (const Candidate& candidate : prepared) {
        auto started = candidate.start(deps);
        if (started) {
            choice.accelerator = std::move(*started);
            return choice;
        }
        choice.refused.push_back({.name = candidate.name,
                                  .reason = started.error().message(),
                                  .absent = candidate.name == "kvm" && !kvm::device_exists()});
    }
    std::string reasons;
    for (const AcceleratorChoice::Refused& refused : choice.refused)
        reasons += (reasons.empty() ? "" : "; ") + refused.message();
    return fail("{}", reasons.empty() ? "no accelerator given" : reasons);
}

std::string AcceleratorChoice::Refused::message() const {
    return fmt::format("failed to initialize {}: {}", name, reason);
}

}  // namespace qc::accel
