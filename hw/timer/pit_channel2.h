// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

namespace qc::hw {

// The PIT's counter 2 as port 61h sees it. Implemented by the 8254, and by an
// adapter for the one in the host's kernel.
//
// Threading: machine lock.
class PitChannel2 {
 public:
    virtual ~PitChannel2() = default;
    virtual void set_channel2_gate(bool gate) = 0;
    virtual bool channel2_output() = 0;
};

}  // namespace qc::hw
