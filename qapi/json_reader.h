// SPDX-License-Identifier: GPL-2.0-or-later
//
// Reads a stream of JSON values (RFC 8259) as QMP's clients send them: strings in
// double or single quotes, values one behind the other. Made for input that
// nobody vouches for: a value has a limited size, number of parts and depth, and
// after an error the reader finds the next value:
//
//   - a byte that begins no token drops everything read so far, and the input up
//     to the next of []{}:, or the end of the line;
//   - tokens in a wrong order drop the input up to the bracket that closes the
//     outermost one.
//
//            '{' '['                    outermost closed
//   +------+ ------> +------------+ ------------------------> value, idle
//   | idle |         | collecting |
//   +------+ <------ +------------+ --wrong token--> collecting, value dropped
//      ^  newline        | byte that begins no token, limit exceeded: error
//      |  or bracket  +----------+
//      +------------- | recovery |
//                     +----------+
//
// Threading: caller locks.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "qapi/value.h"
#include "util/result.h"

namespace qc::qapi {

class JsonReader {
 public:
    struct Limits {
        size_t bytes = size_t{16} << 20;
        size_t tokens = size_t{1} << 20;
        unsigned depth = 1024;
    };

    JsonReader();
    explicit JsonReader(Limits limits);
    ~JsonReader();

    // Takes bytes from the front of `input` until a value is complete or found to
    // be bad, and returns it. Nothing if all of `input` was taken before that.
    std::optional<Result<Value>> next(std::string_view& input);

    // The input has ended: what an unfinished last value amounts to.
    std::optional<Result<Value>> finish();

 private:
    enum class Lex : unsigned char { kIdle, kNumber, kKeyword, kString, kEscape, kRecovery };
    enum class Token : unsigned char {
        kOpenObject,
        kCloseObject,
        kOpenArray,
        kCloseArray,
        kColon,
        kComma,
        kScalar,
    };
    enum class Expect : unsigned char { kFirst, kItem, kColon, kMemberValue, kSeparator };
    struct Frame;

    bool feed_byte(char byte);
    bool begin_token(char byte);
    void end_number();
    void end_keyword();
    void end_string();

    void structural(char byte);
    void token(Token kind, Value scalar);
    void count_token(Token kind);
    void parse(Token kind, Value scalar);
    void parse_in_frame(Token kind, Value scalar);
    void object_key(Value key);
    void object_colon(Token kind);
    void separator(Token kind);
    void open(Token kind);
    void close();
    void value_done(Value value);

    void wrong(std::string text);
    void abort(std::string text);
    void emit();
    void reset();

    const Limits limits_;
    Lex lex_ = Lex::kIdle;
    char quote_ = 0;
    std::string text_;  // of the token that is being read

    long braces_ = 0;
    long brackets_ = 0;
    size_t bytes_ = 0;
    size_t tokens_ = 0;
    std::vector<Frame> frames_;
    std::optional<Value> value_;        // the outermost one, complete
    std::optional<std::string> error_;  // the first one in this value
    std::optional<Result<Value>> ready_;
};

// Exactly one value, with white space around it at most.
Result<Value> parse_json(std::string_view text);

}  // namespace qc::qapi
