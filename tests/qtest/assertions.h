// SPDX-License-Identifier: GPL-2.0-or-later
//
// Results in test bodies: the test fails with the error's text, and ends.
#pragma once

#include <gtest/gtest.h>

#include "util/result.h"

#define QTEST_JOIN_(a, b) a##b
#define QTEST_JOIN(a, b) QTEST_JOIN_(a, b)
#define QTEST_VALUE_IMPL(result, expression)                                    \
    __extension__({                                                             \
        auto result = (expression);                                             \
        if (!result) FAIL() << #expression << ": " << result.error().message(); \
        ::qc::detail::unwrap(std::move(result));                                \
    })

// `auto vm = ASSERT_VALUE(Vm::start(...));` also serves for a Result<void>.
#define ASSERT_VALUE(expression) \
    QTEST_VALUE_IMPL(QTEST_JOIN(qtest_result_, __COUNTER__), expression)
