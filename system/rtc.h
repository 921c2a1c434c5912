// SPDX-License-Identifier: GPL-2.0-or-later
//
// -rtc [base=utc|localtime|DATE][,clock=host|vm][,driftfix=none]: what the real-time
// clock shows.
//
// Threading: plain values.
#pragma once

#include <string>

#include "system/options.h"
#include "util/result.h"

namespace qc::system {

Result<RtcOptions> parse_rtc(const std::string& value);

// The calendar's time minus its clock's, which is the host's or the guest's and reads 0
// now.
int64_t rtc_offset_s(const RtcOptions& options);

}  // namespace qc::system
