// SPDX-License-Identifier: GPL-2.0-or-later
//
// <linux/kvm.h> as C++ may use it. Linux 6.1's header spells flexible arrays in a
// way that gives structs another size in C++ than in C, and with it other ioctl
// numbers; the macro is replaced before the header sees it.
#pragma once

#include <linux/stddef.h>
#undef __DECLARE_FLEX_ARRAY
#define __DECLARE_FLEX_ARRAY(type, name) type name[0]
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#include <linux/kvm.h>
#pragma GCC diagnostic pop

static_assert(sizeof(kvm_msr_list) == 4);
static_assert(sizeof(kvm_msrs) == 8);
static_assert(sizeof(kvm_cpuid2) == 8);
