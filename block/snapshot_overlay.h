// SPDX-License-Identifier: GPL-2.0-or-later
//
// `-snapshot`: what the guest writes goes to a temporary file that nobody else can
// see and that is gone with the process; the base is only read. The unit is a
// cluster; a bitmap says which clusters the overlay has. A cluster's bit is set
// after all its bytes are there, so readers need no lock.
//
// Threading: as Image. Owned by its BlockBackend.
#pragma once

#include <memory>
#include <string>

#include "block/image.h"
#include "util/bitmap.h"
#include "util/mutex.h"
#include "util/unique_fd.h"

namespace qc::block {

class SnapshotOverlay final : public Image {
 public:
    static constexpr uint64_t kClusterSize = 4096;

    // The temporary file lies in `directory`.
    static Result<std::unique_ptr<SnapshotOverlay>> create(std::unique_ptr<Image> base,
                                                           const std::string& directory);
    // $TMPDIR, or /var/tmp.
    static std::string default_directory();

    uint64_t length() const override { return length_; }
    bool read_only() const override { return false; }
    int read(uint64_t offset, std::span<const iovec> buffers) override;
    int write(uint64_t offset, std::span<const iovec> buffers) override;
    // Nothing of a temporary file has to survive the process.
    int flush() override { return 0; }
    int discard(uint64_t, uint64_t) override { return 0; }
    Result<void> activate() override { return base_->activate(); }
    void inactivate() override { base_->inactivate(); }

 private:
    SnapshotOverlay(std::unique_ptr<Image> base, UniqueFd fd);

    // Like write(), for a range whose clusters at both ends may be new.
    int write_new(uint64_t offset, std::span<const iovec> buffers) REQUIRES(allocation_);
    int copy_from_base(uint64_t start, uint64_t end) REQUIRES(allocation_);
    bool has_all(uint64_t first, uint64_t last) const;

    std::unique_ptr<Image> base_;
    uint64_t length_;
    UniqueFd fd_;
    // Held while clusters come into being, so that two writers of one new cluster
    // do not undo each other.
    Mutex allocation_;
    AtomicBitmap present_;
};

}  // namespace qc::block
