// SPDX-License-Identifier: GPL-2.0-or-later
//
// What Tab offers for the parameters of commands: see HmpWords.
//
// Threading: the main loop's thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace qc::monitor {

struct MonitorContext;

void chardev_words(MonitorContext&, std::string_view prefix, std::vector<std::string>& words);
void chardev_backend_words(MonitorContext&, std::string_view prefix,
                           std::vector<std::string>& words);
void ringbuf_words(MonitorContext&, std::string_view prefix, std::vector<std::string>& words);
// Devices with an id.
void device_words(MonitorContext&, std::string_view prefix, std::vector<std::string>& words);
void device_type_words(MonitorContext&, std::string_view prefix, std::vector<std::string>& words);
// Objects of -object, by id.
void object_words(MonitorContext&, std::string_view prefix, std::vector<std::string>& words);
void drive_words(MonitorContext&, std::string_view prefix, std::vector<std::string>& words);
// Absolute paths in the object tree, one step at a time.
void qom_path_words(MonitorContext&, std::string_view prefix, std::vector<std::string>& words);
void capability_words(MonitorContext&, std::string_view prefix, std::vector<std::string>& words);
void migration_parameter_words(MonitorContext&, std::string_view prefix,
                               std::vector<std::string>& words);

}  // namespace qc::monitor
