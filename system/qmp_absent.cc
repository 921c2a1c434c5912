// SPDX-License-Identifier: GPL-2.0-or-later
//
// Questions about parts that no machine of this version has: network cards, TPMs,
// encrypted guests. They are answered as QEMU answers for a machine without them.
#include "monitor/context.h"
#include "qapi/generated/qapi_commands_misc_target.h"
#include "qapi/generated/qapi_commands_net.h"
#include "qapi/generated/qapi_commands_tpm.h"
#include "system/machine.h"

namespace qc::qapi {

Result<std::vector<RxFilterInfo>> qmp_query_rx_filter(monitor::MonitorContext&,
                                                      const QueryRxFilterArgs& args) {
    if (args.name) return fail("invalid net client name: {}", *args.name);
    return std::vector<RxFilterInfo>();
}

Result<std::vector<TPMInfo>> qmp_query_tpm(monitor::MonitorContext&) {
    return std::vector<TPMInfo>();
}

Result<std::vector<TpmModel>> qmp_query_tpm_models(monitor::MonitorContext&) {
    return std::vector<TpmModel>();
}

Result<std::vector<TpmType>> qmp_query_tpm_types(monitor::MonitorContext&) {
    return std::vector<TpmType>();
}

Result<SevInfo> qmp_query_sev(monitor::MonitorContext&) {
    return SevInfo{.enabled = false, .state = SevState::kUninit};
}

Result<SevLaunchMeasureInfo> qmp_query_sev_launch_measure(monitor::MonitorContext&) {
    return fail("SEV launch measurement is not available");
}

Result<SevCapability> qmp_query_sev_capabilities(monitor::MonitorContext& context) {
    if (context.machine->accelerator().name() != "kvm") return fail("KVM not enabled");
    return fail("SEV is not enabled in KVM");
}

Result<SevAttestationReport> qmp_query_sev_attestation_report(
    monitor::MonitorContext&, const QuerySevAttestationReportArgs&) {
    return fail("SEV is not enabled");
}

}  // namespace qc::qapi
