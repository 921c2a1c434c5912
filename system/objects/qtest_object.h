// SPDX-License-Identifier: GPL-2.0-or-later
//
// The object qtest: opens the qtest protocol on a character device, as -qtest does.
//
// Threading: main loop. Owned by UserObjects.
#pragma once

#include <memory>
#include <string>

#include "qom/user_object.h"

namespace qc::system {

class Machine;
class QtestService;

extern const qom::ObjectType kQtestType;

class QtestObject final : public qom::UserObject {
 public:
    QtestObject(const qom::PropertyValues& values, QtestService& service)
        : UserObject(kQtestType, values), service_(service) {}
    ~QtestObject() override;

 private:
    QtestService& service_;
};

Result<std::unique_ptr<qom::UserObject>> make_qtest(Machine& machine, const std::string& id,
                                                    const qom::PropertyValues& values);

}  // namespace qc::system
