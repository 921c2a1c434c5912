// SPDX-License-Identifier: GPL-2.0-or-later
#include "qapi/json_reader.h"

#include <fmt/core.h>

#include <charconv>
#include <unordered_set>
#include <utility>

#include "qapi/json_text.h"

namespace qc::qapi {

namespace {

// Objects with more members than this look up their keys in a set.
constexpr size_t kFewMembers = 16;

constexpr bool is_structural(char c) {
    return c == '{' || c == '}' || c == '[' || c == ']' || c == ':' || c == ',';
}
constexpr bool is_space(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
constexpr bool is_digit(char c) {
    return c >= '0' && c <= '9';
}
constexpr bool is_lower(char c) {
    return c >= 'a' && c <= 'z';
}
constexpr bool in_number(char c) {
    return is_digit(c) || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}
// Control characters, and bytes that UTF-8 never has.
constexpr bool never_in_string(char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0xfe;
}

size_t skip_digits(std::string_view& text) {
    size_t count = 0;
    while (count < text.size() && is_digit(text[count]))
        ++count;
    text.remove_prefix(count);
    return count;
}

struct NumberShape {
    bool valid = false;
    bool integer = true;
};

NumberShape shape_of(std::string_view text) {
    NumberShape shape;
    if (text.starts_with('-')) text.remove_prefix(1);
    const bool leading_zero = text.starts_with('0');
    const size_t digits = skip_digits(text);
    if (digits == 0 || (leading_zero && digits > 1)) return shape;
    if (text.starts_with('.')) {
        text.remove_prefix(1);
        shape.integer = false;
        if (skip_digits(text) == 0) return shape;
    }
    if (text.starts_with('e') || text.starts_with('E')) {
        text.remove_prefix(1);
        shape.integer = false;
        if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
        if (skip_digits(text) == 0) return shape;
    }
    shape.valid = text.empty();
    return shape;
}

template <typename T>
std::optional<T> number_from(std::string_view text) {
    T value{};
    const char* end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc() || stop != end) return std::nullopt;
    return value;
}

// Integers that no 64-bit type holds become floating point; what that cannot hold
// either is refused.
std::optional<Value> number_value(std::string_view text) {
    const NumberShape shape = shape_of(text);
    if (!shape.valid) return std::nullopt;
    if (shape.integer) {
        if (const auto value = number_from<int64_t>(text)) return Value(*value);
        if (const auto value = number_from<uint64_t>(text)) return Value(*value);
    }
    if (const auto value = number_from<double>(text)) return Value(*value);
    return std::nullopt;
}

std::string stray(std::string_view text) {
    const bool printable = text.size() != 1 || (text[0] >= 0x20 && text[0] < 0x7f);
    if (printable) return fmt::format("stray '{}'", text);
    return fmt::format("stray byte 0x{:02x}", static_cast<unsigned char>(text[0]));
}

}  // namespace

// An array or an object that is being read.
struct JsonReader::Frame {
    bool is_object = false;
    Expect expect = Expect::kFirst;
    Array array = {};
    Object object = {};
    std::string key = {};
    // The keys so far, once they are many.
    std::unique_ptr<std::unordered_set<std::string>> keys = nullptr;

    bool add_key(std::string name) {
        if (object.size() < kFewMembers) {
            if (object.contains(name)) return false;
        } else {
            if (keys == nullptr) {
                keys = std::make_unique<std::unordered_set<std::string>>();
                for (const Member& member : object.members())
                    keys->insert(member.name);
            }
            if (!keys->insert(name).second) return false;
        }
        key = std::move(name);
        return true;
    }
};

JsonReader::JsonReader() : JsonReader(Limits{}) {}
JsonReader::JsonReader(Limits limits) : limits_(limits) {}
JsonReader::~JsonReader() = default;

std::optional<Result<Value>> JsonReader::next(std::string_view& input) {
    while (!ready_ && !input.empty()) {
        if (feed_byte(input.front())) input.remove_prefix(1);
    }
    return std::exchange(ready_, std::nullopt);
}

std::optional<Result<Value>> JsonReader::finish() {
    // White space ends a number or a keyword.
    if (lex_ == Lex::kNumber || lex_ == Lex::kKeyword) feed_byte('\n');
    const bool unfinished = lex_ == Lex::kString || lex_ == Lex::kEscape || tokens_ != 0;
    if (!ready_ && unfinished) abort("premature end of input");
    lex_ = Lex::kIdle;
    return std::exchange(ready_, std::nullopt);
}

// False if the byte ended a token that it does not belong to: it comes again.
bool JsonReader::feed_byte(char byte) {
    if (lex_ != Lex::kIdle || tokens_ != 0) {
        if (lex_ != Lex::kRecovery && ++bytes_ > limits_.bytes) {
            abort("token size limit exceeded");
            return true;
        }
    }
    switch (lex_) {
        case Lex::kIdle: return begin_token(byte);
        case Lex::kNumber:
            if (!in_number(byte)) return end_number(), false;
            text_ += byte;
            return true;
        case Lex::kKeyword:
            if (!is_lower(byte)) return end_keyword(), false;
            text_ += byte;
            return true;
        case Lex::kString:
            if (byte == quote_) return end_string(), true;
            if (never_in_string(byte)) return abort(stray({&byte, 1})), true;
            if (byte == '\\') lex_ = Lex::kEscape;
            text_ += byte;
            return true;
        case Lex::kEscape:
            if (never_in_string(byte)) return abort(stray({&byte, 1})), true;
            lex_ = Lex::kString;
            text_ += byte;
            return true;
        case Lex::kRecovery:
            if (byte == '\n' || is_structural(byte)) {
                lex_ = Lex::kIdle;
                return false;
            }
            return true;
    }
    return true;
}

bool JsonReader::begin_token(char byte) {
    if (is_space(byte)) return true;
    text_.clear();
    if (is_structural(byte)) {
        structural(byte);
    } else if (byte == '"' || byte == '\'') {
        quote_ = byte;
        lex_ = Lex::kString;
    } else if (byte == '-' || is_digit(byte)) {
        lex_ = Lex::kNumber;
        text_ += byte;
    } else if (is_lower(byte)) {
        lex_ = Lex::kKeyword;
        text_ += byte;
    } else {
        abort(stray({&byte, 1}));
    }
    return true;
}

void JsonReader::structural(char byte) {
    switch (byte) {
        case '{': return token(Token::kOpenObject, {});
        case '}': return token(Token::kCloseObject, {});
        case '[': return token(Token::kOpenArray, {});
        case ']': return token(Token::kCloseArray, {});
        case ':': return token(Token::kColon, {});
        default: return token(Token::kComma, {});
    }
}

void JsonReader::end_number() {
    lex_ = Lex::kIdle;
    std::optional<Value> value = number_value(text_);
    if (!value) return abort(stray(text_));
    token(Token::kScalar, *std::move(value));
}

void JsonReader::end_keyword() {
    lex_ = Lex::kIdle;
    Value value;
    if (text_ == "true") {
        value = true;
    } else if (text_ == "false") {
        value = false;
    } else if (text_ != "null") {
        wrong(fmt::format("invalid keyword '{}'", text_));
    }
    token(Token::kScalar, std::move(value));
}

void JsonReader::end_string() {
    lex_ = Lex::kIdle;
    Result<std::string> text = decode_json_string(text_);
    if (!text) {
        wrong(text.error().message());
        return token(Token::kScalar, {});
    }
    token(Token::kScalar, *std::move(text));
}

void JsonReader::token(Token kind, Value scalar) {
    count_token(kind);
    if (tokens_ > limits_.tokens) return abort("token count limit exceeded");
    if (braces_ + brackets_ > static_cast<long>(limits_.depth)) {
        return abort("nesting depth limit exceeded");
    }
    if (!error_) parse(kind, std::move(scalar));
    const bool balanced = braces_ == 0 && brackets_ == 0;
    if (balanced || braces_ < 0 || brackets_ < 0) emit();
}

void JsonReader::count_token(Token kind) {
    ++tokens_;
    switch (kind) {
        case Token::kOpenObject: ++braces_; break;
        case Token::kCloseObject: --braces_; break;
        case Token::kOpenArray: ++brackets_; break;
        case Token::kCloseArray: --brackets_; break;
        default: break;
    }
}

void JsonReader::parse(Token kind, Value scalar) {
    if (!frames_.empty()) return parse_in_frame(kind, std::move(scalar));
    switch (kind) {
        case Token::kScalar: return value_done(std::move(scalar));
        case Token::kOpenObject:
        case Token::kOpenArray: return open(kind);
        default: return wrong("expecting value");
    }
}

void JsonReader::parse_in_frame(Token kind, Value scalar) {
    const Frame& frame = frames_.back();
    if (frame.expect == Expect::kColon) return object_colon(kind);
    if (frame.expect == Expect::kSeparator) return separator(kind);

    const Token closing = frame.is_object ? Token::kCloseObject : Token::kCloseArray;
    if (kind == closing && frame.expect == Expect::kFirst) return close();
    const bool opens = kind == Token::kOpenObject || kind == Token::kOpenArray;
    if (kind != Token::kScalar && !opens) return wrong("expecting value");
    if (frame.is_object && frame.expect != Expect::kMemberValue) {
        if (opens) return wrong("key is not a string in object");
        return object_key(std::move(scalar));
    }
    if (opens) return open(kind);
    value_done(std::move(scalar));
}

void JsonReader::object_key(Value key) {
    const std::string* name = key.as_string();
    if (name == nullptr) return wrong("key is not a string in object");
    Frame& frame = frames_.back();
    if (!frame.add_key(*name)) return wrong("duplicate key");
    frame.expect = Expect::kColon;
}

void JsonReader::object_colon(Token kind) {
    if (kind != Token::kColon) return wrong("missing : in object pair");
    frames_.back().expect = Expect::kMemberValue;
}

void JsonReader::separator(Token kind) {
    Frame& frame = frames_.back();
    if (kind == Token::kComma) {
        frame.expect = Expect::kItem;
    } else if (kind == (frame.is_object ? Token::kCloseObject : Token::kCloseArray)) {
        close();
    } else {
        wrong(frame.is_object ? "expected separator in dict" : "expected separator in list");
    }
}

void JsonReader::open(Token kind) {
    frames_.emplace_back(Frame{.is_object = kind == Token::kOpenObject});
}

void JsonReader::close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    value_done(frame.is_object ? Value(std::move(frame.object)) : Value(std::move(frame.array)));
}

void JsonReader::value_done(Value value) {
    if (frames_.empty()) {
        value_ = std::move(value);
        return;
    }
    Frame& frame = frames_.back();
    if (frame.is_object) {
        frame.object.append(std::move(frame.key), std::move(value));
    } else {
        frame.array.push_back(std::move(value));
    }
    frame.expect = Expect::kSeparator;
}

// A wrong token: the value is lost, its brackets still count.
void JsonReader::wrong(std::string text) {
    if (!error_) error_ = std::move(text);
    frames_.clear();
    value_.reset();
}

// Nothing can be told about what follows, up to the next bracket or line.
void JsonReader::abort(std::string text) {
    wrong(std::move(text));
    emit();
    lex_ = Lex::kRecovery;
}

void JsonReader::emit() {
    if (error_) {
        ready_ = fail("JSON parse error, {}", *error_);
    } else if (value_) {
        ready_ = *std::move(value_);
    } else {
        ready_ = fail("JSON parse error, expecting value");
    }
    reset();
}

void JsonReader::reset() {
    braces_ = brackets_ = 0;
    bytes_ = tokens_ = 0;
    text_.clear();
    frames_.clear();
    value_.reset();
    error_.reset();
}

Result<Value> parse_json(std::string_view text) {
    JsonReader reader;
    std::optional<Result<Value>> value = reader.next(text);
    if (!value) value = reader.finish();
    if (!value) return fail("JSON parse error, expecting value");
    if (!*value) return *std::move(value);
    const bool more = reader.next(text).has_value() || reader.finish().has_value();
    if (more) return fail("JSON parse error, expecting end of input");
    return *std::move(value);
}

}  // namespace qc::qapi
