// SPDX-License-Identifier: GPL-2.0-or-later
//
// Where a migration's destination gets its channels from: connections to an
// address, or the one channel that a file, a command or a descriptor is.
//
// A connection counts once its peer has begun to speak, which a source does at
// once, and with TLS only after both sides have agreed on keys and this side has
// found the peer to be whom it lets in. Others wait beside it for a while and are
// dropped with a warning: a stranger that connects and says nothing, or is
// refused, keeps nobody out.
//
//   accepted -> (TLS agreed) -> (peer speaks, or closes) -> handed out
//           \-> refused         \-> silent for kSilenceMs, crowded out -> dropped
//
// Threading: one thread at a time. Owned by Incoming.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/channel.h"
#include "io/listener.h"
#include "migration/address.h"
#include "migration/tls_slot.h"
#include "migration/transport.h"

namespace qc::io {
class TlsChannel;
}
namespace qc::monitor {
class ContextFds;
}

namespace qc::migration {

class Acceptor {
 public:
    static constexpr size_t kMaxWaiting = 32;
    static constexpr int64_t kSilenceMs = 30'000;
    static constexpr int64_t kHandshakeMs = 10'000;

    // Listens, or opens what can be opened: errors name the address. `tls` outlives
    // the acceptor.
    static Result<std::unique_ptr<Acceptor>> create(const Address& address,
                                                    monitor::ContextFds* fds, const TlsSlot& tls,
                                                    FdSets* fd_sets = nullptr);

    // The next channel, as often as it is called. `interrupt` (may be null) breaks
    // the wait. An error may pass: the caller may try again.
    Result<std::unique_ptr<io::Channel>> accept(io::Deadline deadline,
                                                const io::Interrupt* interrupt);

    // Where it listens; nothing if it does not.
    const std::optional<io::SocketAddress>& address() const { return address_; }
    // Of the channels that it gives.
    WayTraits way() const {
        if (channel_ == nullptr) {
            return {.many_channels = listener_ != nullptr, .tcp = address_ && address_->is_inet()};
        }
        return {.one_way = !channel_->two_way(), .seekable = channel_->random_access() != nullptr};
    }

 private:
    struct Waiting {
        std::unique_ptr<io::Channel> channel;
        io::Deadline deadline;
        io::TlsChannel* tls = nullptr;  // the channel, where TLS is used
        bool agreed = false;            // TLS's handshake is done
        FdEvents awaited = FdEvents::kRead;
    };
    enum class Step : uint8_t { kSpeaks, kWaits, kDrop };

    Acceptor(std::string name, const TlsSlot& tls) : name_(std::move(name)), tls_(tls) {}
    Result<void> open(const Address& address, monitor::ContextFds* fds, FdSets* fd_sets);
    Result<void> listen_on(std::unique_ptr<io::Listener> listener);
    // A waiting connection whose peer speaks; null if there is none.
    std::unique_ptr<io::Channel> take_speaking();
    Step look_at(Waiting& one) const;
    Step shake_hands(Waiting& one) const;
    Result<void> take_new();
    io::WaitOutcome wait(io::Deadline deadline, const io::Interrupt* interrupt) const;

    std::string name_;
    const TlsSlot& tls_;
    std::unique_ptr<io::Listener> listener_;
    std::optional<io::SocketAddress> address_;
    std::vector<Waiting> waiting_;
    std::unique_ptr<io::Channel> channel_;
};

}  // namespace qc::migration
