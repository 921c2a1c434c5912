// SPDX-License-Identifier: GPL-2.0-or-later
//
// Looks up host and service names without blocking its caller: numbers at once,
// names in a thread of the lookup's own.
//
// Threading: one thread. Destroying a lookup abandons it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "io/socket_address.h"
#include "util/result.h"

namespace qc::io {

enum class ResolveFor : uint8_t { kConnect, kListen };

class Resolver {
 public:
    static Result<std::unique_ptr<Resolver>> start(const InetAddress& address, ResolveFor purpose);
    ~Resolver();

    // Readable as soon as poll() has something to say.
    int fd() const;
    // Nothing while the lookup runs. The addresses are never empty.
    Result<std::optional<std::vector<RawSocketAddress>>> poll();

 private:
    struct Request;
    explicit Resolver(std::shared_ptr<Request> request);
    static Result<void> look_up_in_thread(const std::shared_ptr<Request>& request);

    // Shared with the resolver's thread, which may end later than this object.
    std::shared_ptr<Request> request_;
};

}  // namespace qc::io
