// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/xbzrle_codec.h"

#include <bit>
#include <cstdint>
#include <cstring>

namespace qc::migration {

namespace {

constexpr size_t kWord = sizeof(uint64_t);

uint64_t word_at(const std::byte* data) {
    uint64_t word;
    std::memcpy(&word, data, kWord);
    return word;
}

// The exclusive or of two words, lowest address in the lowest byte.
uint64_t difference(const std::byte* a, const std::byte* b) {
    static_assert(std::endian::native == std::endian::little);
    return word_at(a) ^ word_at(b);
}

// A byte with a 1 in its top bit for each byte of `word` that is zero, exactly.
uint64_t zero_bytes(uint64_t word) {
    constexpr uint64_t kLow7 = 0x7f7f7f7f7f7f7f7f;
    return ~(((word & kLow7) + kLow7) | word | kLow7);
}

size_t equal_run(std::span<const std::byte> a, std::span<const std::byte> b, size_t from) {
    size_t i = from;
    for (; i + kWord <= a.size(); i += kWord) {
        if (uint64_t word = difference(&a[i], &b[i]); word != 0) {
            return i + static_cast<size_t>(std::countr_zero(word)) / 8 - from;
        }
    }
    while (i < a.size() && a[i] == b[i])
        ++i;
    return i - from;
}

size_t changed_run(std::span<const std::byte> a, std::span<const std::byte> b, size_t from) {
    size_t i = from;
    for (; i + kWord <= a.size(); i += kWord) {
        if (uint64_t zeros = zero_bytes(difference(&a[i], &b[i])); zeros != 0) {
            return i + static_cast<size_t>(std::countr_zero(zeros)) / 8 - from;
        }
    }
    while (i < a.size() && a[i] != b[i])
        ++i;
    return i - from;
}

// Writes one or two bytes at `at`; false if they do not fit.
bool put_length(std::span<std::byte> out, size_t& at, size_t value) {
    if (value < 0x80) {
        if (at >= out.size()) return false;
        out[at++] = static_cast<std::byte>(value);
        return true;
    }
    if (at + 2 > out.size()) return false;
    out[at++] = static_cast<std::byte>(0x80 | (value & 0x7f));
    out[at++] = static_cast<std::byte>(value >> 7);
    return true;
}

Result<size_t> take_length(std::span<const std::byte>& in) {
    if (in.empty()) return fail("a page's difference ends in a run's length");
    auto low = static_cast<size_t>(in[0]);
    if (low < 0x80) {
        in = in.subspan(1);
        return low;
    }
    if (in.size() < 2 || static_cast<size_t>(in[1]) >= 0x80) {
        return fail("a page's difference has a run's length that is too long");
    }
    size_t value = (low & 0x7f) | static_cast<size_t>(in[1]) << 7;
    in = in.subspan(2);
    return value;
}

}  // namespace

std::optional<size_t> xbzrle_encode(std::span<const std::byte> before,
                                    std::span<const std::byte> now, std::span<std::byte> out) {
    size_t at = 0;
    for (size_t i = 0; i < now.size();) {
        size_t equal = equal_run(before, now, i);
        i += equal;
        if (i == now.size()) break;
        size_t changed = changed_run(before, now, i);
        if (!put_length(out, at, equal) || !put_length(out, at, changed)) return std::nullopt;
        if (changed > out.size() - at) return std::nullopt;
        std::memcpy(&out[at], &now[i], changed);
        at += changed;
        i += changed;
    }
    return at;
}

Result<void> xbzrle_decode(std::span<const std::byte> encoded, std::span<std::byte> page) {
    for (size_t at = 0; !encoded.empty();) {
        size_t equal = TRY(take_length(encoded));
        if (equal == 0 && at != 0) return fail("a page's difference has an empty run");
        size_t changed = TRY(take_length(encoded));
        if (changed == 0) return fail("a page's difference has an empty run");
        if (equal > page.size() - at || changed > page.size() - at - equal) {
            return fail("a page's difference goes beyond the page");
        }
        if (changed > encoded.size()) return fail("a page's difference is cut off");
        at += equal;
        std::memcpy(&page[at], encoded.data(), changed);
        at += changed;
        encoded = encoded.subspan(changed);
    }
    return {};
}

}  // namespace qc::migration
