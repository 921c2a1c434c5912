// SPDX-License-Identifier: GPL-2.0-or-later
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "util/result.h"

namespace qc::system {

// Reads a firmware image. `name` is a path, or a file name that is looked for in
// `data_dirs` (`-L`, in order), then where Debian and QEMU keep firmware. The
// image is a multiple of 64 KiB, at most 16 MiB.
Result<std::vector<std::byte>> load_firmware(const std::string& name,
                                             std::span<const std::string> data_dirs);

// Reads a whole file of at most 2 GiB; `what` names it in an error: "initrd".
Result<std::vector<std::byte>> load_boot_file(const std::string& path, std::string_view what);

}  // namespace qc::system
