// SPDX-License-Identifier: GPL-2.0-or-later
#include "system/objects/qtest_object.h"

#include "system/machine.h"
#include "system/qtest_service.h"

namespace qc::system {

namespace {

constexpr qom::PropertyDef kProperties[] = {
    {.name = "chardev",
     .kind = qom::PropertyKind::kString,
     .description = "ID of the character device of the test"},
    {.name = "log",
     .kind = qom::PropertyKind::kString,
     .description = "file for what goes over it, or none (default: stderr)"},
};

}  // namespace

constinit const qom::ObjectType kQtestType{.name = "qtest",
                                           .parent = &qom::kUserCreatableType,
                                           .description = "the qtest protocol on a chardev",
                                           .properties = kProperties};

QtestObject::~QtestObject() {
    service_.close();
}

Result<std::unique_ptr<qom::UserObject>> make_qtest(Machine& machine, const std::string&,
                                                    const qom::PropertyValues& values) {
    const std::string chardev(values.get_string("chardev"));
    if (chardev.empty()) return fail("No backend specified");
    TRY(machine.qtest().open(chardev, std::string(values.get_string("log"))));
    return std::make_unique<QtestObject>(values, machine.qtest());
}

}  // namespace qc::system
