// SPDX-License-Identifier: GPL-2.0-or-later
//
// The objects memory-backend-ram, -file and -memfd: memory that -machine
// memory-backend=ID or -numa node,memdev=ID makes the guest's RAM.
//
// Threading: main loop. Owned by UserObjects.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "memory/memory_backend.h"
#include "qom/user_object.h"

namespace qc::system {

class Machine;
class UserObjects;

extern const qom::ObjectType kMemoryBackendRamType;
extern const qom::ObjectType kMemoryBackendFileType;
extern const qom::ObjectType kMemoryBackendMemfdType;

class MemoryBackendObject final : public qom::UserObject {
 public:
    MemoryBackendObject(const qom::ObjectType& type, const qom::PropertyValues& values,
                        std::unique_ptr<memory::MemoryBackend> backend)
        : UserObject(type, values), backend_(std::move(backend)) {}

    const memory::MemoryBackend& backend() const { return *backend_; }
    // What a RAM block over it is called in the migration stream.
    std::string block_id() const;
    Result<void> check_removal() const override;

 private:
    std::unique_ptr<memory::MemoryBackend> backend_;
};

Result<std::unique_ptr<qom::UserObject>> make_memory_backend_ram(Machine& machine,
                                                                 const std::string& id,
                                                                 const qom::PropertyValues& values);
Result<std::unique_ptr<qom::UserObject>> make_memory_backend_file(
    Machine& machine, const std::string& id, const qom::PropertyValues& values);
Result<std::unique_ptr<qom::UserObject>> make_memory_backend_memfd(
    Machine& machine, const std::string& id, const qom::PropertyValues& values);

// Null if there is none of this id.
MemoryBackendObject* find_memory_backend(const UserObjects& objects, std::string_view id);
std::vector<MemoryBackendObject*> memory_backends(const UserObjects& objects);

}  // namespace qc::system
