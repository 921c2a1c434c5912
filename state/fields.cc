// SPDX-License-Identifier: GPL-2.0-or-later
#include "state/fields.h"

namespace qc::state {

std::string FieldPrinter::indexed(std::string_view name, size_t index) {
    return fmt::format("{}[{}]", name, index);
}

std::string FieldPrinter::enter(std::string_view name) {
    std::string outer = prefix_;
    prefix_ += name;
    prefix_ += '.';
    return outer;
}

void FieldPrinter::line(std::string_view name, uint64_t value) {
    text_ += fmt::format("{}{}: {:#x}\n", prefix_, name, value);
}

void FieldDescriber::add(std::string_view name, size_t bytes) {
    text_ += fmt::format(R"({}{{"name":"{}","type":"buffer","size":{}}})", text_.empty() ? "" : ",",
                         name, bytes);
}

std::string FieldDescriber::take() {
    return "[" + std::move(text_) + "]";
}

}  // namespace qc::state
