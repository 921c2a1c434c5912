// SPDX-License-Identifier: GPL-2.0-or-later
//
// The drives of one machine: images opened as `-drive` says, each behind a
// BlockBackend, with an id and, for if=ide, a place on the IDE channels.
//
// Threading: main thread; drain() on any thread without the machine lock, activate()
// and inactivate() where run control is serialised. Owned by system::Machine;
// outlives the board.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "block/block_backend.h"
#include "block/drive_options.h"

namespace qc {
class FdSets;
}

namespace qc::block {

struct Drive {
    DriveOptions options;
    std::unique_ptr<BlockBackend> backend;
    bool attached = false;  // a device uses it
    std::string device_id;  // the device's, if it has one
    // A device from which the medium can be taken.
    bool removable() const { return backend->tray() != nullptr; }
};

class DriveTable {
 public:
    struct Config {
        bool snapshot = false;
        // An incoming migration: images are opened, and stay the source's until
        // activate().
        bool inactive = false;
        IdeLayout ide = {};
    };
    struct Deps {
        EventLoop& loop;
        MachineLock& lock;
        // See BlockBackend.
        std::function<void(const Drive& drive, bool open)> tray_moved = {};
        // Where paths /dev/fdset/N are looked up; may be null.
        FdSets* fd_sets = nullptr;
    };
    DriveTable(const Config& config, const Deps& deps);
    ~DriveTable();

    // One `-drive`. Errors as QEMU words them; the table is as before then.
    Result<void> add(OptionString options);
    // An empty drive for a device of which the command line names none. It has no id.
    Drive& add_anonymous();

    std::span<const std::unique_ptr<Drive>> drives() const { return drives_; }
    Drive* find(std::string_view id) const;
    // For a device's property drive=ID. A drive has at most one device.
    Result<Drive*> attach(std::string_view id);
    // By the id of the device that uses it.
    Drive* find_device(std::string_view device_id) const;

    // Main thread, without the machine lock. Of a removable drive; the tray is not
    // moved. An image is opened before it is known whether it can be put in.
    struct Medium {
        DriveOptions options;
        std::unique_ptr<Image> image;
    };
    Result<Medium> open_medium(const Drive& drive, std::string file, bool format_given) const;
    Result<void> insert_medium(Drive& drive, Medium medium);
    void remove_medium(Drive& drive);

    // Every backend, see BlockBackend. Drained, while the VM stands still. After an error in
    // activate() no image is active that was not before.
    Result<void> activate();
    void inactivate();
    void drain();

 private:
    Result<void> place(DriveOptions& drive) const;
    std::string default_id(const DriveOptions& drive) const;
    Drive& append(DriveOptions options, std::unique_ptr<Image> image);

    const Config config_;
    const Deps deps_;
    WorkerPool workers_;
    std::vector<std::unique_ptr<Drive>> drives_;
};

}  // namespace qc::block
