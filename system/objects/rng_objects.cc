// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/objects/rng_objects.h"

#include "system/machine.h"
#include "system/user_objects.h"

namespace qc::system {

namespace {

constexpr qom::PropertyDef kRandomProperties[] = {
    {.name = "filename",
     .kind = qom::PropertyKind::kString,
     .description = "the file or device",
     .default_value = "/dev/urandom"},
};

}  // namespace

constinit const qom::ObjectType kRngBackendType{
    .name = "rng-backend", .parent = &qom::kUserCreatableType, .abstract = true};
constinit const qom::ObjectType kRngBuiltinType{.name = "rng-builtin",
                                                .parent = &kRngBackendType,
                                                .description = "random bytes of the host's kernel"};
constinit const qom::ObjectType kRngRandomType{.name = "rng-random",
                                               .parent = &kRngBackendType,
                                               .description = "random bytes of a file",
                                               .properties = kRandomProperties};

Result<void> RngObject::check_removal() const {
    if (source_.use_count() == 1) return {};
    return fail("object '{}' is in use, can not be deleted", name());
}

Result<std::unique_ptr<qom::UserObject>> make_rng_builtin(Machine&, const std::string&,
                                                          const qom::PropertyValues& values) {
    return std::make_unique<RngObject>(kRngBuiltinType, values, std::make_shared<BuiltinEntropy>());
}

Result<std::unique_ptr<qom::UserObject>> make_rng_random(Machine& machine, const std::string&,
                                                         const qom::PropertyValues& values) {
    std::shared_ptr<EntropySource> source =
        TRY(FileEntropy::open(std::string(values.get_string("filename")), &machine.fd_sets()));
    return std::make_unique<RngObject>(kRngRandomType, values, std::move(source));
}

std::shared_ptr<EntropySource> find_rng(const UserObjects& objects, std::string_view id) {
    const qom::UserObject* object = objects.find(id);
    if (object == nullptr || !object->is_a(kRngBackendType.name)) return nullptr;
    return static_cast<const RngObject*>(object)->source();
}

}  // namespace qc::system
