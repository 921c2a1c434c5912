// SPDX-License-Identifier: GPL-2.0-or-later
#include "io/resolver.h"

#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "util/unique_fd.h"

namespace qc::io {

struct Resolver::Request {
    ~Request() {
        if (control.ar_result != nullptr) freeaddrinfo(control.ar_result);
    }

    void finish(int with) noexcept {
        status.store(with, std::memory_order_release);
        const uint64_t one = 1;
        [[maybe_unused]] const ssize_t written = write(done.get(), &one, sizeof(one));
    }

    InetAddress address;
    UniqueFd done;
    addrinfo hints = {};
    gaicb control = {};
    gaicb* list = &control;
    std::atomic<int> status{EAI_INPROGRESS};
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
    const std::string& host = request->address.host;
    const char* const node = host.empty() ? nullptr : host.c_str();
    const char* const service = request->address.port.c_str();

    // What needs no name server is answered here, and most addresses are numbers.
    addrinfo numeric = request->hints;
    if (node != nullptr) numeric.ai_flags |= AI_NUMERICHOST;
    const int status = getaddrinfo(node, service, &numeric, &request->control.ar_result);
    if (status != EAI_NONAME || node == nullptr) {
        request->finish(status);
        return std::unique_ptr<Resolver>(new Resolver(std::move(request)));
    }

    request->control.ar_name = node;
    request->control.ar_service = service;
    request->control.ar_request = &request->hints;
    request->control.ar_result = nullptr;
    auto* const reference = new std::shared_ptr<Request>(request);
    sigevent notify = {};
    notify.sigev_notify = SIGEV_THREAD;
    notify.sigev_value.sival_ptr = reference;
    notify.sigev_notify_function = [](sigval value) noexcept {
        const std::unique_ptr<std::shared_ptr<Request>> held(
            static_cast<std::shared_ptr<Request>*>(value.sival_ptr));
        (*held)->finish(gai_error(&(*held)->control));
    };
    const int started = getaddrinfo_a(GAI_NOWAIT, &request->list, 1, &notify);
    if (started != 0) {
        delete reference;
        return fail("cannot look up '{}': {}", host, gai_strerror(started));
    }
    return std::unique_ptr<Resolver>(new Resolver(std::move(request)));
}

int Resolver::fd() const {
    return request_->done.get();
}

Result<std::optional<std::vector<RawSocketAddress>>> Resolver::poll() {
    const int status = request_->status.load(std::memory_order_acquire);
    if (status == EAI_INPROGRESS) return std::optional<std::vector<RawSocketAddress>>();
    if (status != 0) {
        return fail("address resolution failed for {}: {}",
                    SocketAddress(request_->address).short_string(),
                    status == EAI_SYSTEM ? "system error" : gai_strerror(status));
    }
    std::vector<RawSocketAddress> addresses;
    for (const addrinfo* info = request_->control.ar_result; info != nullptr;
         info = info->ai_next) {
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
