// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/hmp/tables.h"

namespace qc::system {

monitor::HmpTables machine_hmp_tables() {
    return {.commands = {hmp_memory_commands(), hmp_processor_commands(), hmp_object_commands()},
            .info = {hmp_processor_info(), hmp_board_info()},
            .read_register = read_register};
}

}  // namespace qc::system
