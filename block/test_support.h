// SPDX-License-Identifier: GPL-2.0-or-later
//
// For unit tests of block/ and of disk controllers: a file that goes away, an
// image in memory that fails on demand, a place to run a backend.
#pragma once

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "block/block_backend.h"

namespace qc::block {

class TemporaryFile {
 public:
    explicit TemporaryFile(size_t bytes, char fill = 0) {
        int fd = ::mkstemp(path_.data());
        if (fd >= 0) ::close(fd);
        write_all(std::string(bytes, fill));
    }
    ~TemporaryFile() { (void)::unlink(path_.c_str()); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;

    const std::string& path() const { return path_; }
    void write_all(const std::string& text) {
        std::ofstream(path_, std::ios::binary | std::ios::trunc) << text;
    }
    std::string read_all() const {
        std::ifstream file(path_, std::ios::binary);
        return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    }

 private:
    std::string path_ = "/tmp/qc-block-test.XXXXXX";
};

class FakeImage final : public Image {
 public:
    explicit FakeImage(size_t bytes) : bytes_(bytes) {}

    uint64_t length() const override { return bytes_.size(); }
    bool read_only() const override { return read_only_; }
    int read(uint64_t offset, std::span<const iovec> buffers) override {
        for (const iovec& buffer : buffers) {
            std::memcpy(buffer.iov_base, bytes_.data() + offset, buffer.iov_len);
            offset += buffer.iov_len;
        }
        return error;
    }
    bool read_cached(uint64_t offset, std::span<const iovec> buffers) override {
        return offset + total_length(buffers) <= cached && read(offset, buffers) == 0;
    }
    int write(uint64_t offset, std::span<const iovec> buffers) override {
        if (error != 0) return error;
        for (const iovec& buffer : buffers) {
            std::memcpy(bytes_.data() + offset, buffer.iov_base, buffer.iov_len);
            offset += buffer.iov_len;
        }
        return 0;
    }
    int flush() override {
        ++flushes;
        return error;
    }
    int discard(uint64_t, uint64_t) override { return error; }
    Result<void> activate() override { return {}; }
    void inactivate() override {}

    void set_read_only() { read_only_ = true; }
    std::vector<char>& bytes() { return bytes_; }

    std::atomic<int> error = 0;
    std::atomic<int> flushes = 0;
    std::atomic<uint64_t> cached = 0;  // bytes from the begin that read_cached() has

 private:
    std::vector<char> bytes_;
    bool read_only_ = false;
};

inline int read_text(Image& image, uint64_t offset, std::string& text) {
    iovec buffer{text.data(), text.size()};
    return image.read(offset, {&buffer, 1});
}

inline int write_text(Image& image, uint64_t offset, std::string text) {
    iovec buffer{text.data(), text.size()};
    return image.write(offset, {&buffer, 1});
}

}  // namespace qc::block
