// SPDX-License-Identifier: GPL-2.0-or-later
//
// One field list for each state struct, used to save, load, describe and print:
//
//     struct PitChannelState {
//         uint16_t reload = 0;
//         bool gate = true;
//         template <typename Visitor, typename Self>
//         static void fields(Visitor& v, Self& s) {
//             v("reload", s.reload);
//             v("gate", s.gate);
//         }
//     };
//
// Field types: bool, integers, enums (as their underlying type), std::array of
// fields (fixed length), nested structs with a list of their own, and
// std::vector through v.counted("name", s.member, kMaxCount). A field added in
// version 2 is written v.since(2, "name", s.member): older data leaves it at its
// default. Encoding: big-endian, no padding, vectors with a 32-bit count.
//
// Ranges of values are checked by the component's validate(), after parsing.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "util/bytes.h"

namespace qc::state {

namespace detail {
template <typename T>
inline constexpr bool is_array = false;
template <typename T, size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;

// A one-byte element needs no per-element work.
template <typename T>
inline constexpr bool is_byte = std::is_same_v<T, uint8_t> || std::is_same_v<T, std::byte>;

template <typename T>
using Wire =
    std::make_unsigned_t<typename std::conditional_t<std::is_enum_v<T>, std::underlying_type<T>,
                                                     std::type_identity<T>>::type>;
}  // namespace detail

class FieldSaver {
 public:
    explicit FieldSaver(ByteWriter& out) : out_(out) {}

    template <typename T>
    void operator()(std::string_view name, const T& value) {
        if constexpr (std::is_same_v<T, bool>) {
            out_.u8(value ? 1 : 0);
        } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
            auto wire = static_cast<detail::Wire<T>>(value);
            if constexpr (sizeof(wire) == 1) out_.u8(wire);
            if constexpr (sizeof(wire) == 2) out_.be16(wire);
            if constexpr (sizeof(wire) == 4) out_.be32(wire);
            if constexpr (sizeof(wire) == 8) out_.be64(wire);
        } else if constexpr (detail::is_array<T>) {
            elements(name, value);
        } else {
            T::fields(*this, value);
        }
    }

    template <typename T>
    void counted(std::string_view name, const std::vector<T>& value, uint32_t /*max_count*/) {
        out_.be32(static_cast<uint32_t>(value.size()));
        elements(name, value);
    }

    template <typename T>
    void since(uint32_t /*version*/, std::string_view name, const T& value) {
        (*this)(name, value);
    }

 private:
    template <typename Range>
    void elements(std::string_view name, const Range& range) {
        if constexpr (detail::is_byte<typename Range::value_type>) {
            out_.bytes(std::as_bytes(std::span(range)));
        } else {
            for (const auto& element : range)
                (*this)(name, element);
        }
    }

    ByteWriter& out_;
};

// Reads what FieldSaver wrote; the first error sticks, and error() has it.
class FieldLoader {
 public:
    FieldLoader(ByteReader& in, uint32_t version) : in_(in), version_(version) {}

    template <typename T>
    void operator()(std::string_view name, T& value) {
        if (!status_) return;
        if constexpr (std::is_same_v<T, bool>) {
            uint8_t wire = 0;
            read(name, wire);
            if (wire > 1 && status_) status_ = fail("field '{}' holds {}, not 0 or 1", name, wire);
            value = wire == 1;
        } else if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
            detail::Wire<T> wire = 0;
            read(name, wire);
            value = static_cast<T>(wire);
        } else if constexpr (detail::is_array<T>) {
            elements(name, value);
        } else {
            T::fields(*this, value);
        }
    }

    template <typename T>
    void counted(std::string_view name, std::vector<T>& value, uint32_t max_count) {
        uint32_t count = 0;
        read(name, count);
        if (!status_) return;
        if (count > max_count) {
            status_ = fail("field '{}' has {} elements, at most {} fit", name, count, max_count);
            return;
        }
        // A count that the data cannot hold must not make us allocate for it.
        if (count > in_.remaining()) {
            status_ = fail("field '{}' is cut short", name);
            return;
        }
        value.assign(count, T{});
        elements(name, value);
    }

    template <typename T>
    void since(uint32_t version, std::string_view name, T& value) {
        if (version_ >= version) (*this)(name, value);
    }

    Result<void> take_status() { return std::move(status_); }

 private:
    template <typename Wire>
    void read(std::string_view name, Wire& wire) {
        if (!status_) return;
        if constexpr (sizeof(Wire) == 1) take(in_.u8(name), wire);
        if constexpr (sizeof(Wire) == 2) take(in_.be16(name), wire);
        if constexpr (sizeof(Wire) == 4) take(in_.be32(name), wire);
        if constexpr (sizeof(Wire) == 8) take(in_.be64(name), wire);
    }
    template <typename Wire>
    void take(Result<Wire> result, Wire& wire) {
        if (result) {
            wire = *result;
        } else {
            status_ = Failure(std::move(result).error());
        }
    }
    template <typename Range>
    void elements(std::string_view name, Range& range) {
        if constexpr (detail::is_byte<typename Range::value_type>) {
            auto data = in_.bytes(range.size(), name);
            if (!data) {
                status_ = Failure(std::move(data).error());
                return;
            }
            auto target = std::as_writable_bytes(std::span(range));
            std::copy(data->begin(), data->end(), target.begin());
        } else {
            for (auto& element : range)
                (*this)(name, element);
        }
    }

    ByteReader& in_;
    uint32_t version_;
    Result<void> status_;
};

// "name: value" lines; nested names are joined by dots, elements by [index].
class FieldPrinter {
 public:
    template <typename T>
    void operator()(std::string_view name, const T& value) {
        if constexpr (std::is_integral_v<T> || std::is_enum_v<T>) {
            if constexpr (std::is_same_v<T, bool>) {
                line(name, value ? 1 : 0);
            } else {
                line(name, static_cast<uint64_t>(static_cast<detail::Wire<T>>(value)));
            }
        } else if constexpr (detail::is_array<T>) {
            elements(name, value);
        } else {
            std::string outer = enter(name);
            T::fields(*this, value);
            prefix_ = outer;
        }
    }
    template <typename T>
    void counted(std::string_view name, const std::vector<T>& value, uint32_t) {
        elements(name, value);
    }
    template <typename T>
    void since(uint32_t, std::string_view name, const T& value) {
        (*this)(name, value);
    }
    std::string take() { return std::move(text_); }

 private:
    template <typename Range>
    void elements(std::string_view name, const Range& range) {
        size_t index = 0;
        for (const auto& element : range) {
            if constexpr (std::is_same_v<typename Range::value_type, std::byte>) {
                line(indexed(name, index++), static_cast<uint64_t>(element));
            } else {
                (*this)(indexed(name, index++), element);
            }
        }
    }
    static std::string indexed(std::string_view name, size_t index);
    std::string enter(std::string_view name);
    void line(std::string_view name, uint64_t value);

    std::string prefix_;
    std::string text_;
};

// The fields as JSON, in the shape of QEMU's VMDESCRIPTION.
class FieldDescriber {
 public:
    template <typename T>
    void operator()(std::string_view name, const T& value) {
        ByteWriter out;
        FieldSaver saver(out);
        saver(name, value);
        add(name, out.size());
    }
    template <typename T>
    void counted(std::string_view name, const std::vector<T>& value, uint32_t max_count) {
        ByteWriter out;
        FieldSaver saver(out);
        saver.counted(name, value, max_count);
        add(name, out.size());
    }
    template <typename T>
    void since(uint32_t, std::string_view name, const T& value) {
        (*this)(name, value);
    }
    std::string take();

 private:
    void add(std::string_view name, size_t bytes);
    std::string text_;
};

}  // namespace qc::state
