// SPDX-License-Identifier: GPL-2.0-or-later
#include "memory/address_space.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace qc::memory {

namespace {

uint64_t size_mask(unsigned size) {
    return size >= 8 ? ~uint64_t{0} : (uint64_t{1} << (size * 8)) - 1;
}

// The largest naturally aligned access at `address` within `left` bytes.
unsigned access_size(uint64_t address, uint64_t left) {
    unsigned size = 8;
    while (size > left || address % size != 0)
        size /= 2;
    return size;
}

}  // namespace

uint64_t dispatch_read(IoHandler& handler, uint64_t offset, unsigned size) {
    IoHandler::Rules rules = handler.io_rules();
    if (size > rules.max_size) {
        uint64_t value = 0;
        for (unsigned done = 0; done < size; done += rules.max_size) {
            value |= (handler.io_read(offset + done, rules.max_size) & size_mask(rules.max_size))
                     << (done * 8);
        }
        return value;
    }
    if (size < rules.min_size) {
        uint64_t unit = offset & ~uint64_t{rules.min_size - 1u};
        return (handler.io_read(unit, rules.min_size) >> ((offset - unit) * 8)) & size_mask(size);
    }
    return handler.io_read(offset, size) & size_mask(size);
}

void dispatch_write(IoHandler& handler, uint64_t offset, unsigned size, uint64_t value) {
    IoHandler::Rules rules = handler.io_rules();
    unsigned step = std::min<unsigned>(size, rules.max_size);
    for (unsigned done = 0; done < size; done += step) {
        handler.io_write(offset + done, step, (value >> (done * 8)) & size_mask(step));
    }
}

AddressSpace::AddressSpace(MemoryRegion& root)
    : root_(root), view_(std::make_shared<const FlatView>(root)) {}

void AddressSpace::rebuild() {
    auto after = std::make_shared<const FlatView>(root_);
    std::shared_ptr<const FlatView> before = view();
    if (before->ranges() == after->ranges()) return;
    {
        MutexLock lock(mutex_);
        view_ = after;
    }
    generation_.fetch_add(1, std::memory_order_acq_rel);
    for (AddressSpaceListener* listener : listeners_)
        listener->view_changed(*before, *after);
}

std::shared_ptr<const FlatView> AddressSpace::view() const {
    MutexLock lock(mutex_);
    return view_;
}

void AddressSpace::add_listener(AddressSpaceListener& listener) {
    listeners_.push_back(&listener);
}

void AddressSpace::remove_listener(AddressSpaceListener& listener) {
    std::erase(listeners_, &listener);
}

void AddressSpace::read(PhysAddr address, std::span<std::byte> data) const {
    std::shared_ptr<const FlatView> view = this->view();
    while (!data.empty()) {
        const FlatRange* range = view->find(address);
        if (range == nullptr) {
            data[0] = std::byte{0xff};
            data = data.subspan(1);
            address = address + 1;
            continue;
        }
        uint64_t into = address.value - range->start;
        uint64_t left = std::min<uint64_t>(data.size(), range->last - address.value + 1);
        if (range->block != nullptr) {
            std::memcpy(data.data(), range->block->host() + range->offset + into, left);
        } else {
            left = access_size(address.value, left);
            uint64_t value =
                dispatch_read(*range->handler, range->offset + into, static_cast<unsigned>(left));
            std::memcpy(data.data(), &value, left);
        }
        data = data.subspan(left);
        address = address + left;
    }
}

void AddressSpace::write(PhysAddr address, std::span<const std::byte> data) {
    std::shared_ptr<const FlatView> view = this->view();
    while (!data.empty()) {
        const FlatRange* range = view->find(address);
        if (range == nullptr) {
            data = data.subspan(1);
            address = address + 1;
            continue;
        }
        uint64_t into = address.value - range->start;
        uint64_t left = std::min<uint64_t>(data.size(), range->last - address.value + 1);
        if (range->block != nullptr) {
            if (!range->read_only) range->block->write(range->offset + into, data.first(left));
        } else {
            left = access_size(address.value, left);
            uint64_t value = 0;
            std::memcpy(&value, data.data(), left);
            dispatch_write(*range->handler, range->offset + into, static_cast<unsigned>(left),
                           value);
        }
        data = data.subspan(left);
        address = address + left;
    }
}

uint64_t AddressSpace::load(PhysAddr address, unsigned size) const {
    static_assert(std::endian::native == std::endian::little);
    std::shared_ptr<const FlatView> view = this->view();
    const FlatRange* range = view->find(address);
    // An access inside one device keeps its size: registers care.
    if (range != nullptr && range->handler != nullptr && address.value + size - 1 <= range->last) {
        return dispatch_read(*range->handler, range->offset + (address.value - range->start), size);
    }
    uint64_t value = 0;
    read(address, std::span(reinterpret_cast<std::byte*>(&value), size));
    return value;
}

void AddressSpace::store(PhysAddr address, unsigned size, uint64_t value) {
    std::shared_ptr<const FlatView> view = this->view();
    const FlatRange* range = view->find(address);
    if (range != nullptr && range->handler != nullptr && address.value + size - 1 <= range->last) {
        dispatch_write(*range->handler, range->offset + (address.value - range->start), size,
                       value);
        return;
    }
    write(address, std::span(reinterpret_cast<const std::byte*>(&value), size));
}

}  // namespace qc::memory
