// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/resolver.h"

#include <netdb.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "util/unique_fd.h"

namespace qc::io {

namespace {

// No EAI_ code: those are negative, and 0.
constexpr int kRunning = 1;

}  // namespace

struct Resolver::Request {
    ~Request() {
        if (result != nullptr) freeaddrinfo(result);
    }

    void finish(int with) noexcept {
        status.store(with, std::memory_order_release);
        const uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(done.get(), &one, sizeof(one));
    }

    const char* node() const { return address.host.empty() ? nullptr : address.host.c_str(); }

    InetAddress address;
    UniqueFd done;
    addrinfo hints = {};
    // Written before `status`, which publishes it.
    addrinfo* result = nullptr;
    std::atomic<int> status{kRunning};
};

namespace {

// AF_UNSPEC where both are allowed; nothing if none is.
std::optional<int> family_of(const InetAddress& address) {
    // "ipv4=on" alone excludes IPv6, and the other way round.
    const bool v4 = address.ipv4.value_or(!address.ipv6.value_or(false));
    const bool v6 = address.ipv6.value_or(!address.ipv4.value_or(false));
    if (v4 && v6) return AF_UNSPEC;
    if (v4) return AF_INET;
    if (v6) return AF_INET6;
    return std::nullopt;
}

}  // namespace

Resolver::Resolver(std::shared_ptr<Request> request) : request_(std::move(request)) {}
Resolver::~Resolver() = default;

Result<std::unique_ptr<Resolver>> Resolver::start(const InetAddress& address, ResolveFor purpose) {
    const std::optional<int> family = family_of(address);
    if (!family) return fail("address '{}': IPv4 and IPv6 are both off", address.host);

    auto request = std::make_shared<Request>();
    request->address = address;
    request->done.reset(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
    if (!request->done) return fail_errno(errno, "cannot create an event descriptor");
    request->hints.ai_family = *family;
    request->hints.ai_socktype = SOCK_STREAM;
    request->hints.ai_flags = purpose == ResolveFor::kListen ? AI_PASSIVE : 0;

    // What needs no name server is answered here, and most addresses are numbers.
    addrinfo numeric = request->hints;
    if (request->node() != nullptr) numeric.ai_flags |= AI_NUMERICHOST;
    const int status =
        getaddrinfo(request->node(), address.port.c_str(), &numeric, &request->result);
    if (status != EAI_NONAME || request->node() == nullptr) {
        request->finish(status);
    } else {
        TRY(look_up_in_thread(request));
    }
    return std::unique_ptr<Resolver>(new Resolver(std::move(request)));
}

// The thread is detached, because getaddrinfo() cannot be broken off: who gives
// up a connection must not wait for a name server that does not answer. It
// touches nothing but the request.
Result<void> Resolver::look_up_in_thread(const std::shared_ptr<Request>& request) {
    const auto body = [](void* argument) noexcept -> void* {
        const std::unique_ptr<std::shared_ptr<Request>> reference(
            static_cast<std::shared_ptr<Request>*>(argument));
        Request& work = **reference;
        work.finish(getaddrinfo(work.node(), work.address.port.c_str(), &work.hints, &work.result));
        return nullptr;
    };
    auto reference = std::make_unique<std::shared_ptr<Request>>(request);
    pthread_attr_t attributes;
    sigset_t all_signals;
    sigfillset(&all_signals);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setsigmask_np(&attributes, &all_signals);
    pthread_t thread;
    const int error = pthread_create(&thread, &attributes, body, reference.get());
    pthread_attr_destroy(&attributes);
    if (error != 0) return fail_errno(error, "cannot look up '{}'", request->address.host);
    // The thread owns it now.
    static_cast<void>(reference.release());
    return {};
}

int Resolver::fd() const {
    return request_->done.get();
}

Result<std::optional<std::vector<RawSocketAddress>>> Resolver::poll() {
    const int status = request_->status.load(std::memory_order_acquire);
    if (status == kRunning) return std::optional<std::vector<RawSocketAddress>>();
    if (status != 0) {
        return fail("address resolution failed for {}: {}",
                    SocketAddress(request_->address).short_string(),
                    status == EAI_SYSTEM ? "system error" : gai_strerror(status));
    }
    std::vector<RawSocketAddress> addresses;
    for (const addrinfo* info = request_->result; info != nullptr; info = info->ai_next) {
        RawSocketAddress raw;
        if (info->ai_addrlen > sizeof(raw.storage)) continue;
        std::memcpy(&raw.storage, info->ai_addr, info->ai_addrlen);
        raw.length = info->ai_addrlen;
        addresses.push_back(raw);
    }
    if (addresses.empty()) {
        return fail("address resolution failed for {}: no address",
                    SocketAddress(request_->address).short_string());
    }
    return std::optional(std::move(addresses));
}

}  // namespace qc::io
