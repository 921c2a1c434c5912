// SPDX-License-Identifier: GPL-2.0-or-later
#include "chardev/chardev.h"

#include "util/assert.h"

namespace qc::chardev {

Chardev::~Chardev() {
    QC_ASSERT(!claimed_);
}

Result<Chardev*> Chardev::free_port() {
    if (claimed_) return fail("Chardev '{}' is busy", id_);
    return this;
}

void Chardev::log(std::span<const std::byte> data) {
    if (log_ != nullptr) log_->write(data);
}

size_t Chardev::write_and_log(std::span<const std::byte> data) {
    const size_t taken = write(data);
    log(data.first(taken));
    return taken;
}

void Chardev::send_break() {
    if (frontend_ != nullptr) frontend_->event(ChardevEvent::kBreak);
}

Result<void> Chardev::hand_over(Chardev& to) {
    if (!claimed_) return {};
    ChardevFrontend* const frontend = frontend_;
    if (frontend == nullptr || !frontend->change_back_end([&] { holder_->move_to(to); })) {
        return fail("Chardev user does not support chardev hotswap");
    }
    // What the old one had no room for may go to the new one.
    frontend->writable();
    return {};
}

Result<ChardevClaim> ChardevClaim::claim(Chardev& chardev) {
    return ChardevClaim(*TRY(chardev.free_port()));
}

ChardevClaim::ChardevClaim(Chardev& chardev) : chardev_(&chardev) {
    chardev.claimed_ = true;
    chardev.holder_ = this;
}

void ChardevClaim::take(ChardevClaim& other) {
    chardev_ = std::exchange(other.chardev_, nullptr);
    if (chardev_ != nullptr) chardev_->holder_ = this;
}

void ChardevClaim::move_to(Chardev& chardev) {
    ChardevFrontend* const frontend = chardev_->frontend_;
    release();
    chardev_ = &chardev;
    chardev.claimed_ = true;
    chardev.holder_ = this;
    attach(*frontend);
}

ChardevClaim& ChardevClaim::operator=(ChardevClaim&& other) noexcept {
    if (this != &other) {
        release();
        take(other);
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
    chardev_->holder_ = nullptr;
    chardev_ = nullptr;
}

}  // namespace qc::chardev
