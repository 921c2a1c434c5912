// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev.h"

#include "util/assert.h"

namespace qc::chardev {

Chardev::~Chardev() {
    QC_ASSERT(!claimed_);
}

Result<ChardevClaim> ChardevClaim::claim(Chardev& chardev) {
    if (chardev.claimed_) return fail("Chardev '{}' is busy", chardev.id());
    chardev.claimed_ = true;
    return ChardevClaim(chardev);
}

ChardevClaim& ChardevClaim::operator=(ChardevClaim&& other) noexcept {
    if (this != &other) {
        release();
        chardev_ = std::exchange(other.chardev_, nullptr);
    }
    return *this;
}

void ChardevClaim::attach(ChardevFrontend& frontend) {
    chardev_->frontend_ = &frontend;
    chardev_->frontend_changed();
}

void ChardevClaim::detach() {
    if (chardev_->frontend_ == nullptr) return;
    chardev_->frontend_ = nullptr;
    chardev_->frontend_changed();
}

void ChardevClaim::release() {
    if (chardev_ == nullptr) return;
    detach();
    chardev_->claimed_ = false;
    chardev_ = nullptr;
}

}  // namespace qc::chardev
