// SPDX-License-Identifier: GPL-2.0-or-later
//
// File descriptors that clients pass (qapi/misc.json).
#include "monitor/context.h"
#include "monitor/context_fds.h"
#include "qapi/generated/qapi_commands_misc.h"
#include "util/fd_sets.h"

namespace qc::qapi {

Result<void> qmp_getfd(monitor::MonitorContext& context, const GetfdArgs& args) {
    return context.fds.assign(args.fdname);
}

Result<void> qmp_closefd(monitor::MonitorContext& context, const ClosefdArgs& args) {
    return context.fds.close(args.fdname);
}

Result<AddfdInfo> qmp_add_fd(monitor::MonitorContext& context, const AddFdArgs& args) {
    // A descriptor that came with the command is used up, also when it is refused.
    UniqueFd fd = TRY(context.fds.take_waiting());
    const FdSets::Added added =
        TRY(context.fd_sets->add(std::move(fd), args.fdset_id, args.opaque));
    return AddfdInfo{.fdset_id = added.set, .fd = added.fd};
}

Result<void> qmp_remove_fd(monitor::MonitorContext& context, const RemoveFdArgs& args) {
    return context.fd_sets->remove(args.fdset_id, args.fd);
}

Result<std::vector<FdsetInfo>> qmp_query_fdsets(monitor::MonitorContext& context) {
    std::vector<FdsetInfo> result;
    for (FdSets::Set& set : context.fd_sets->list()) {
        FdsetInfo& info = result.emplace_back();
        info.fdset_id = set.id;
        for (FdSets::Descriptor& descriptor : set.descriptors)
            info.fds.push_back({.fd = descriptor.fd, .opaque = std::move(descriptor.opaque)});
    }
    return result;
}

}  // namespace qc::qapi
