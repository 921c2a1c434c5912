// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/qtest/qtest_accelerator.h"

#include "accel/qtest/qtest_vcpu.h"

namespace qc::accel::qtest {

Result<void> QtestDirtyLog::start() {
    for (const auto& block : ram_.blocks()) {
        block->dirty().clear_all();
        block->set_dirty_logging(true);
    }
    return {};
}

void QtestDirtyLog::stop() {
    for (const auto& block : ram_.blocks())
        block->set_dirty_logging(false);
}

Result<void> QtestDirtyLog::collect(std::vector<Bitmap>& into) {
    const auto& blocks = ram_.blocks();
    if (into.size() != blocks.size()) {
        return fail("{} bitmaps given for {} RAM blocks", into.size(), blocks.size());
    }
    for (size_t i = 0; i < blocks.size(); ++i)
        blocks[i]->dirty().drain_into(into[i]);
    return {};
}

Result<std::unique_ptr<Accelerator>> QtestAccelerator::create(const AcceleratorDeps& deps) {
    return std::unique_ptr<Accelerator>(new QtestAccelerator(deps.ram));
}

i386::CpuSupport QtestAccelerator::cpu_support() const {
    i386::CpuSupport support{
        .accelerator = "qtest", .features = {}, .host = {}, .xsave_leaves = {}};
    for (const i386::Feature& feature : i386::feature_table())
        support.features[feature.word] |= 1u << feature.bit;
    return support;
}

Result<std::unique_ptr<Vcpu>> QtestAccelerator::create_vcpu(unsigned index,
                                                            const i386::CpuModel& model) {
    return std::make_unique<QtestVcpu>(index, model);
}

}  // namespace qc::accel::qtest
