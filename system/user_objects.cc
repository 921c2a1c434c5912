// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/user_objects.h"

#include <algorithm>
#include <array>

#include "migration/heartbeat/heartbeat_object.h"
#include "qom/identifier.h"
#include "system/device_help.h"
#include "system/machine.h"
#include "system/objects/authz_objects.h"
#include "system/objects/iothread_object.h"
#include "system/objects/memory_backend_objects.h"
#include "system/objects/qtest_object.h"
#include "system/objects/rng_objects.h"
#include "system/objects/secret_object.h"
#include "system/objects/tls_creds_objects.h"

namespace qc::system {

namespace {

Result<std::unique_ptr<qom::UserObject>> make_heartbeat(Machine& machine, const std::string& id,
                                                        const qom::PropertyValues& values) {
    return TRY(migration::heartbeat::HeartbeatObject::create(
        id, values, {.migration = machine.migration(), .listener = machine.heartbeat_listener()}));
}

constexpr std::array kEntries = {
    UserObjects::Entry{kAuthzListType, ObjectStage::kBackEnds, make_authz_list},
    UserObjects::Entry{kAuthzListFileType, ObjectStage::kBackEnds, make_authz_list_file},
    UserObjects::Entry{kAuthzSimpleType, ObjectStage::kBackEnds, make_authz_simple},
    UserObjects::Entry{migration::heartbeat::kHeartbeatType, ObjectStage::kMachine, make_heartbeat},
    UserObjects::Entry{kIothreadType, ObjectStage::kBackEnds, make_iothread},
    UserObjects::Entry{kMemoryBackendFileType, ObjectStage::kBackEnds, make_memory_backend_file},
    UserObjects::Entry{kMemoryBackendMemfdType, ObjectStage::kBackEnds, make_memory_backend_memfd},
    UserObjects::Entry{kMemoryBackendRamType, ObjectStage::kBackEnds, make_memory_backend_ram},
    UserObjects::Entry{kQtestType, ObjectStage::kMachine, make_qtest},
    UserObjects::Entry{kRngBuiltinType, ObjectStage::kBackEnds, make_rng_builtin},
    UserObjects::Entry{kRngRandomType, ObjectStage::kBackEnds, make_rng_random},
    UserObjects::Entry{kSecretType, ObjectStage::kBackEnds, make_secret},
    UserObjects::Entry{kTlsCredsAnonType, ObjectStage::kBackEnds, make_tls_creds_anon},
    UserObjects::Entry{kTlsCredsPskType, ObjectStage::kBackEnds, make_tls_creds_psk},
    UserObjects::Entry{kTlsCredsX509Type, ObjectStage::kBackEnds, make_tls_creds_x509},
};

Result<const UserObjects::Entry*> find_entry(std::string_view type) {
    for (const UserObjects::Entry& entry : kEntries) {
        if (entry.type.name == type) return &entry;
    }
    return fail("invalid object type: {}", type);
}

}  // namespace

UserObjects::~UserObjects() {
    while (!objects_.empty())
        objects_.pop_back();
}

void UserObjects::register_types(qom::TypeRegistry& types) {
    for (const Entry& entry : kEntries)
        types.add(entry.type);
}

Result<std::optional<std::string>> UserObjects::help(const std::vector<ParsedOption>& options) {
    for (const ParsedOption& option : options) {
        if (option.json) continue;
        OptionString left = option.options;
        std::string name = TRY(left.take_required("qom-type").context("{}", option.origin));
        if (name == "help" || name == "?") {
            std::string text = "List of user creatable objects:\n";
            for (const Entry& entry : kEntries)
                text += fmt::format("  {}\n", entry.type.name);
            return text;
        }
        for (const OptionString::Option& rest : left.options()) {
            if (rest.bare && (rest.key == "help" || rest.key == "?")) {
                return type_help(TRY(find_entry(name).context("{}", option.origin))->type);
            }
        }
    }
    return std::nullopt;
}

Result<void> UserObjects::make(const std::vector<ParsedOption>& options, ObjectStage stage) {
    for (const ParsedOption& option : options) {
        OptionString left = option.options;
        std::string name = TRY(left.take_required("qom-type").context("{}", option.origin));
        const Entry* entry = TRY(find_entry(name).context("{}", option.origin));
        if (entry->stage != stage) continue;
        std::string id = TRY(left.take_required("id").context("{}", option.origin));
        qom::PropertyValues values(entry->type);
        if (option.json) {
            qapi::Object members = *option.json->as_object();
            members.erase("qom-type");
            members.erase("id");
            TRY(values.add(entry->type, members, qom::TextValues::kRefused)
                    .context("{}", option.origin));
        } else {
            TRY(values.add(entry->type, left).context("{}", option.origin));
        }
        TRY(place(*entry, id, values).context("{}", option.origin));
    }
    return {};
}

Result<void> UserObjects::add(const std::string& type, const std::string& id,
                              const qapi::Object& members) {
    const Entry* entry = TRY(find_entry(type));
    return place(*entry, id, TRY(qom::PropertyValues::from_object(entry->type, members)));
}

Result<void> UserObjects::place(const Entry& entry, const std::string& id,
                                const qom::PropertyValues& values) {
    TRY(qom::check_identifier(id));
    if (find(id) != nullptr) {
        return fail("attempt to add duplicate property '{}' to object (type 'container')", id);
    }
    std::unique_ptr<qom::UserObject> object = TRY(entry.make(machine_, id, values));
    {
        MachineLockGuard guard(machine_.core().lock);
        TRY(machine_.object_tree().objects().attach(id, *object));
    }
    objects_.push_back(std::move(object));
    return {};
}

Result<void> UserObjects::remove(const std::string& id) {
    auto found = std::ranges::find_if(objects_, [&](const auto& o) { return o->name() == id; });
    if (found == objects_.end()) return fail("object '{}' not found", id);
    TRY((*found)->check_removal());
    std::unique_ptr<qom::UserObject> object = std::move(*found);
    objects_.erase(found);
    {
        MachineLockGuard guard(machine_.core().lock);
        object->detach();
    }
    return {};
}

void UserObjects::machine_ends() {
    for (const auto& object : objects_)
        object->machine_ends();
}

qom::UserObject* UserObjects::find(std::string_view id) const {
    auto found = std::ranges::find_if(objects_, [&](const auto& o) { return o->name() == id; });
    return found == objects_.end() ? nullptr : found->get();
}

}  // namespace qc::system
