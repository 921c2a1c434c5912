// SPDX-License-Identifier: GPL-2.0-or-later
#include "monitor/hmp_expression.h"

#include <algorithm>
#include <charconv>
#include <limits>

namespace qc::monitor {

namespace {

constexpr unsigned kMaxDepth = 64;

bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.';
}

class Parser {
 public:
    Parser(std::string_view& text, const RegisterValue& registers)
        : text_(text), registers_(registers) {}

    Result<int64_t> sum() {
        uint64_t value = bits(TRY(logic()));
        while (next_is("+-")) {
            const char op = take();
            const uint64_t other = bits(TRY(logic()));
            value = op == '+' ? value + other : value - other;
        }
        return static_cast<int64_t>(value);
    }

 private:
    static uint64_t bits(int64_t value) { return static_cast<uint64_t>(value); }

    Result<int64_t> logic() {
        int64_t value = TRY(product());
        while (next_is("&|^")) {
            const char op = take();
            const int64_t other = TRY(product());
            value = op == '&' ? value & other : op == '|' ? value | other : value ^ other;
        }
        return value;
    }

    Result<int64_t> product() {
        int64_t value = TRY(unary());
        while (next_is("*/%")) {
            const char op = take();
            const int64_t other = TRY(unary());
            if (op == '*') {
                value = static_cast<int64_t>(bits(value) * bits(other));
                continue;
            }
            if (other == 0) return fail("division by zero");
            // The one quotient that has no room; its rest is 0.
            if (other == -1) {
                value = op == '/' ? static_cast<int64_t>(0 - bits(value)) : 0;
            } else {
                value = op == '/' ? value / other : value % other;
            }
        }
        return value;
    }

    Result<int64_t> unary() {
        if (++depth_ > kMaxDepth) return fail("the expression is too deep");
        Result<int64_t> value = signed_value();
        --depth_;
        return value;
    }

    Result<int64_t> signed_value() {
        skip_space();
        if (text_.empty()) return fail("unexpected end of expression");
        switch (text_.front()) {
            case '+': take(); return unary();
            case '-': take(); return static_cast<int64_t>(0 - bits(TRY(unary())));
            case '~': take(); return ~TRY(unary());
            case '(': return parenthesis();
            case '\'': return character();
            case '$': return register_value();
            default: return number();
        }
    }

    Result<int64_t> parenthesis() {
        take();
        const int64_t value = TRY(sum());
        if (!next_is(")")) return fail("')' expected");
        take();
        return value;
    }

    Result<int64_t> character() {
        if (text_.size() < 3 || text_[2] != '\'') return fail("missing terminating \' character");
        const auto value = static_cast<uint8_t>(text_[1]);
        text_.remove_prefix(3);
        return value;
    }

    Result<int64_t> register_value() {
        take();
        const auto end = std::ranges::find_if_not(text_, is_name);
        const std::string_view name(text_.begin(), end);
        text_.remove_prefix(name.size());
        return registers_(name);
    }

    Result<int64_t> number() {
        int base = 10;
        if (text_.starts_with("0x") || text_.starts_with("0X")) {
            base = 16;
            text_.remove_prefix(2);
        } else if (text_.size() > 1 && text_[0] == '0' && text_[1] >= '0' && text_[1] <= '7') {
            base = 8;
        }
        uint64_t value = 0;
        const char* const first = text_.data();
        const auto [end, error] = std::from_chars(first, first + text_.size(), value, base);
        if (error == std::errc::result_out_of_range) return fail("number too large");
        if (error != std::errc()) return fail("invalid char '{}' in expression", shown());
        text_.remove_prefix(static_cast<size_t>(end - first));
        return static_cast<int64_t>(value);
    }

    std::string_view shown() const { return text_.substr(0, 1); }

    bool next_is(std::string_view characters) {
        skip_space();
        return !text_.empty() && characters.find(text_.front()) != std::string_view::npos;
    }
    void skip_space() {
        text_.remove_prefix(std::min(text_.find_first_not_of(" \t"), text_.size()));
    }
    char take() {
        const char c = text_.front();
        text_.remove_prefix(1);
        return c;
    }

    std::string_view& text_;
    const RegisterValue& registers_;
    unsigned depth_ = 0;
};

}  // namespace

Result<int64_t> take_expression(std::string_view& text, const RegisterValue& registers) {
    return Parser(text, registers).sum();
}

}  // namespace qc::monitor
