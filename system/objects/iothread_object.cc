// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/objects/iothread_object.h"

#include <unistd.h>

#include <semaphore>

#include "system/user_objects.h"

namespace qc::system {

namespace {

// The loop sleeps until something happens; it neither polls in between nor collects
// requests, which is what other numbers than 0 would ask for.
constexpr qom::PropertyDef kProperties[] = {
    {.name = "aio-max-batch",
     .kind = qom::PropertyKind::kInt64,
     .description = "how many requests to collect; only 0",
     .default_value = int64_t{0},
     .type_name = "int"},
    {.name = "poll-grow",
     .kind = qom::PropertyKind::kInt64,
     .description = "how the time of polling grows; only 0",
     .default_value = int64_t{0},
     .type_name = "int"},
    {.name = "poll-max-ns",
     .kind = qom::PropertyKind::kInt64,
     .description = "how long to poll at most; only 0",
     .default_value = int64_t{0},
     .type_name = "int"},
    {.name = "poll-shrink",
     .kind = qom::PropertyKind::kInt64,
     .description = "how the time of polling shrinks; only 0",
     .default_value = int64_t{0},
     .type_name = "int"},
};

}  // namespace

constinit const qom::ObjectType kIothreadType{.name = "iothread",
                                              .parent = &qom::kUserCreatableType,
                                              .description = "a thread with an event loop",
                                              .properties = kProperties};

IothreadObject::IothreadObject(const qom::PropertyValues& values, const std::string& id,
                               std::unique_ptr<EventLoop> loop)
    : UserObject(kIothreadType, values), loop_(std::move(loop)) {
    std::binary_semaphore running(0);
    thread_ = Thread("IO " + id, [this, &running] {
        thread_id_ = gettid();
        running.release();
        loop_->run();
    });
    running.acquire();
}

IothreadObject::~IothreadObject() {
    // Not quit() from here: the loop may not run yet.
    loop_->post([this] { loop_->quit(); });
    thread_.join();
}

Result<std::unique_ptr<qom::UserObject>> make_iothread(Machine&, const std::string& id,
                                                       const qom::PropertyValues& values) {
    for (const qom::PropertyDef& property : kProperties) {
        const auto number = values.find(property.name)->as_int();
        if (number && *number != 0) {
            return fail("{}={}: this version neither polls nor collects requests; only 0 is taken",
                        property.name, *number);
        }
    }
    return std::make_unique<IothreadObject>(values, id, TRY(EventLoop::create()));
}

std::vector<const IothreadObject*> iothreads(const UserObjects& objects) {
    std::vector<const IothreadObject*> found;
    for (const auto& object : objects.all()) {
        if (object->is_a(kIothreadType.name)) {
            found.push_back(static_cast<const IothreadObject*>(object.get()));
        }
    }
    return found;
}

}  // namespace qc::system
