// SPDX-License-Identifier: GPL-2.0-or-later
//
// What a processor tells the board of x87 exceptions while CR0.NE is clear. Source: Intel
// SDM vol. 1, 8.7.2 (FERR# and IGNNE#).
//
// Threading: machine lock.
#pragma once

namespace qc::hw {

class FloatErrorPin {
 public:
    virtual ~FloatErrorPin() = default;
    // FERR#. True if IGNNE# says that the processor goes on in spite of it.
    virtual bool set_error(bool asserted) = 0;
};

}  // namespace qc::hw
