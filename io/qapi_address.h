// SPDX-License-Identifier: GPL-2.0-or-later
//
// Socket addresses as QMP has them.
//
// Threading: plain functions.
#pragma once

#include "io/socket_address.h"
#include "qapi/generated/qapi_types_sockets.h"

namespace qc::io {

Result<InetAddress> from_qapi(const qapi::InetSocketAddress& inet);
Result<UnixAddress> from_qapi(const qapi::UnixSocketAddress& address);

}  // namespace qc::io
