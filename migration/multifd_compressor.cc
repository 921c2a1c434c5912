// SPDX-License-Identifier: GPL-2.0-or-later
#include "migration/multifd_compressor.h"

#include <zlib.h>
#include <zstd.h>

#include <limits>

#include "util/assert.h"

namespace qc::migration {

namespace {

// zlib's interface is not const-correct.
Bytef* zlib_bytes(std::span<const std::byte> data) {
    return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(data.data()));
}

class ZlibCompressor final : public MultifdCompressor {
 public:
    ~ZlibCompressor() override {
        if (ready_) deflateEnd(&stream_);
    }
    Result<void> start(int level) {
        if (deflateInit(&stream_, level) != Z_OK) return fail("zlib cannot be set up");
        ready_ = true;
        return {};
    }
    Result<void> compress(std::span<const std::byte> in, std::vector<std::byte>& out) override {
        QC_ASSERT(in.size() <= std::numeric_limits<uInt>::max());
        if (deflateReset(&stream_) != Z_OK) return fail("zlib cannot be reset");
        out.resize(deflateBound(&stream_, in.size()));
        stream_.next_in = zlib_bytes(in);
        stream_.avail_in = static_cast<uInt>(in.size());
        stream_.next_out = zlib_bytes(out);
        stream_.avail_out = static_cast<uInt>(out.size());
        if (deflate(&stream_, Z_FINISH) != Z_STREAM_END) return fail("zlib cannot compress");
        out.resize(out.size() - stream_.avail_out);
        return {};
    }

 private:
    z_stream stream_{};
    bool ready_ = false;
};

class ZlibDecompressor final : public MultifdDecompressor {
 public:
    ~ZlibDecompressor() override {
        if (ready_) inflateEnd(&stream_);
    }
    Result<void> start() {
        if (inflateInit(&stream_) != Z_OK) return fail("zlib cannot be set up");
        ready_ = true;
        return {};
    }
    Result<void> decompress(std::span<const std::byte> in,
                            std::span<const std::span<std::byte>> out) override {
        QC_ASSERT(in.size() <= std::numeric_limits<uInt>::max());
        if (inflateReset(&stream_) != Z_OK) return fail("zlib cannot be reset");
        stream_.next_in = zlib_bytes(in);
        stream_.avail_in = static_cast<uInt>(in.size());
        int result = Z_OK;
        for (std::span<std::byte> part : out) {
            stream_.next_out = zlib_bytes(part);
            stream_.avail_out = static_cast<uInt>(part.size());
            result = inflate(&stream_, Z_SYNC_FLUSH);
            if ((result != Z_OK && result != Z_STREAM_END) || stream_.avail_out != 0) {
                return fail("the zlib data is damaged or too short");
            }
        }
        if (result != Z_STREAM_END) {
            // The end of the stream may lie behind the last byte of data.
            Bytef nothing;
            stream_.next_out = &nothing;
            stream_.avail_out = 1;
            result = inflate(&stream_, Z_FINISH);
            if (result != Z_STREAM_END || stream_.avail_out != 1) {
                return fail("the zlib data is damaged or too long");
            }
        }
        if (stream_.avail_in != 0) return fail("{} bytes follow the zlib data", stream_.avail_in);
        return {};
    }

 private:
    z_stream stream_{};
    bool ready_ = false;
};

class ZstdCompressor final : public MultifdCompressor {
 public:
    ZstdCompressor(ZSTD_CCtx* context, int level) : context_(context), level_(level) {}
    ~ZstdCompressor() override { ZSTD_freeCCtx(context_); }
    Result<void> compress(std::span<const std::byte> in, std::vector<std::byte>& out) override {
        out.resize(ZSTD_compressBound(in.size()));
        size_t size =
            ZSTD_compressCCtx(context_, out.data(), out.size(), in.data(), in.size(), level_);
        if (ZSTD_isError(size)) return fail("zstd: {}", ZSTD_getErrorName(size));
        out.resize(size);
        return {};
    }

 private:
    ZSTD_CCtx* context_;
    const int level_;
};

class ZstdDecompressor final : public MultifdDecompressor {
 public:
    explicit ZstdDecompressor(ZSTD_DCtx* context) : context_(context) {}
    ~ZstdDecompressor() override { ZSTD_freeDCtx(context_); }
    Result<void> decompress(std::span<const std::byte> in,
                            std::span<const std::span<std::byte>> out) override {
        if (ZSTD_isError(ZSTD_DCtx_reset(context_, ZSTD_reset_session_only))) {
            return fail("zstd cannot be reset");
        }
        ZSTD_inBuffer input = {in.data(), in.size(), 0};
        size_t left = 1;  // 0: the frame is over
        for (std::span<std::byte> part : out) {
            ZSTD_outBuffer output = {part.data(), part.size(), 0};
            while (output.pos < output.size) {
                if (left == 0) return fail("the zstd data is too short");
                left = TRY(step(output, input));
            }
        }
        if (left != 0) {
            std::byte nothing;
            ZSTD_outBuffer output = {&nothing, 1, 0};
            left = TRY(step(output, input));
            if (left != 0 || output.pos != 0) return fail("the zstd data is too long");
        }
        if (input.pos != input.size) {
            return fail("{} bytes follow the zstd data", input.size - input.pos);
        }
        return {};
    }

 private:
    // An error if there is no progress any more: the input is over.
    Result<size_t> step(ZSTD_outBuffer& output, ZSTD_inBuffer& input) {
        size_t before_in = input.pos;
        size_t before_out = output.pos;
        size_t left = ZSTD_decompressStream(context_, &output, &input);
        if (ZSTD_isError(left)) return fail("zstd: {}", ZSTD_getErrorName(left));
        if (left != 0 && input.pos == before_in && output.pos == before_out) {
            return fail("the zstd data is too short");
        }
        return left;
    }

    ZSTD_DCtx* context_;
};

}  // namespace

Result<std::unique_ptr<MultifdCompressor>> MultifdCompressor::create(MultifdCompression method,
                                                                     int level) {
    switch (method) {
        case MultifdCompression::kNone: break;
        case MultifdCompression::kZlib: {
            auto zlib = std::make_unique<ZlibCompressor>();
            TRY(zlib->start(level));
            return zlib;
        }
        case MultifdCompression::kZstd: {
            ZSTD_CCtx* context = ZSTD_createCCtx();
            if (context == nullptr) return fail("zstd cannot be set up");
            return std::make_unique<ZstdCompressor>(context, level);
        }
    }
    return nullptr;
}

Result<std::unique_ptr<MultifdDecompressor>> MultifdDecompressor::create(
    MultifdCompression method) {
    switch (method) {
        case MultifdCompression::kNone: break;
        case MultifdCompression::kZlib: {
            auto zlib = std::make_unique<ZlibDecompressor>();
            TRY(zlib->start());
            return zlib;
        }
        case MultifdCompression::kZstd: {
            ZSTD_DCtx* context = ZSTD_createDCtx();
            if (context == nullptr) return fail("zstd cannot be set up");
            // The window that a frame may ask for is bounded.
            if (ZSTD_isError(ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, 24))) {
                ZSTD_freeDCtx(context);
                return fail("zstd cannot be set up");
            }
            return std::make_unique<ZstdDecompressor>(context);
        }
    }
    return nullptr;
}

}  // namespace qc::migration
