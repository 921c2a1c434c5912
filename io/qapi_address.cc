// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/qapi_address.h"

namespace qc::io {

Result<InetAddress> from_qapi(const qapi::InetSocketAddress& inet) {
    if (inet.host.find('\0') != std::string::npos) return fail("'host' holds a zero byte");
    InetAddress address = TRY(inet_address(inet.host, inet.port));
    address.ipv4 = inet.ipv4;
    address.ipv6 = inet.ipv6;
    address.keep_alive = inet.keep_alive.value_or(false);
    return address;
}

Result<UnixAddress> from_qapi(const qapi::UnixSocketAddress& address) {
    UnixAddress result{.path = address.path,
                       .abstract = address.abstract.value_or(false),
                       .tight = address.tight.value_or(true)};
    TRY(raw_unix_address(result));
    return result;
}

}  // namespace qc::io
