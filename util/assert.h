// SPDX-License-Identifier: GPL-2.0-or-later
//
// QC_ASSERT: a programmer's error, checked in every build. Nothing that a
// guest, a peer, a file or a user sends may reach one.
#pragma once

namespace qc::detail {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}  // namespace qc::detail

#define QC_ASSERT(expression)      \
    (static_cast<bool>(expression) \
         ? void(0)                 \
         : ::qc::detail::assertion_failed(#expression, __FILE__, __LINE__))
