// SPDX-License-Identifier: GPL-2.0-or-later
//
// Names for clang's thread-safety attributes; empty under other compilers.
// Source: clang documentation, "Thread Safety Analysis".
#pragma once

#if defined(__clang__)
#define QC_THREAD_ATTRIBUTE(x) __attribute__((x))
#else
#define QC_THREAD_ATTRIBUTE(x)
#endif

#define CAPABILITY(name) QC_THREAD_ATTRIBUTE(capability(name))
#define SCOPED_CAPABILITY QC_THREAD_ATTRIBUTE(scoped_lockable)
#define GUARDED_BY(lock) QC_THREAD_ATTRIBUTE(guarded_by(lock))
#define PT_GUARDED_BY(lock) QC_THREAD_ATTRIBUTE(pt_guarded_by(lock))
#define REQUIRES(...) QC_THREAD_ATTRIBUTE(requires_capability(__VA_ARGS__))
#define EXCLUDES(...) QC_THREAD_ATTRIBUTE(locks_excluded(__VA_ARGS__))
#define ACQUIRE(...) QC_THREAD_ATTRIBUTE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) QC_THREAD_ATTRIBUTE(release_capability(__VA_ARGS__))
#define TRY_ACQUIRE(...) QC_THREAD_ATTRIBUTE(try_acquire_capability(__VA_ARGS__))
#define ASSERT_CAPABILITY(lock) QC_THREAD_ATTRIBUTE(assert_capability(lock))
#define RETURN_CAPABILITY(lock) QC_THREAD_ATTRIBUTE(lock_returned(lock))
#define NO_THREAD_SAFETY_ANALYSIS QC_THREAD_ATTRIBUTE(no_thread_safety_analysis)
