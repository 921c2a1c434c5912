// SPDX-License-Identifier: GPL-2.0-or-later
#include "qom/global_properties.h"

#include "qom/object_type.h"

namespace qc::qom {

Result<PropertyValues> GlobalProperties::values_for(const ObjectType& type) const {
    PropertyValues values(type);
    for (const GlobalProperty& global : globals_) {
        if (!type.is_a(global.driver)) continue;
        TRY(values.set_text(type, global.property, global.value)
                .context("can't apply global {}.{}={}", global.driver, global.property,
                         global.value));
    }
    return values;
}

}  // namespace qc::qom
