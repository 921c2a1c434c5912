// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/block_backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

#include "block/test_support.h"

namespace qc::block {
namespace {

struct Fixture {
    explicit Fixture(size_t bytes = 8192) {
        auto fake = std::make_unique<FakeImage>(bytes);
        image = fake.get();
        backend = std::make_unique<BlockBackend>(BlockBackend::Deps{*loop, lock, workers}, "d0",
                                                 std::move(fake));
    }
    void submit(BlockOp op, uint64_t offset, size_t bytes, BlockCompletion done) {
        BlockRequest request{.op = op, .offset = offset, .done = std::move(done)};
        if (op == BlockOp::kDiscard) request.length = bytes;
        if (op == BlockOp::kRead || op == BlockOp::kWrite) {
            request.buffers.push_back({buffer.data(), bytes});
        }
        MachineLockGuard guard(lock);
        backend->submit(std::move(request));
    }
    // The error of one request, through drain().
    int result(BlockOp op, uint64_t offset, size_t bytes) {
        int error = -1;
        submit(op, offset, bytes, [&](int e) { error = e; });
        backend->drain();
        return error;
    }

    std::unique_ptr<EventLoop> loop = EventLoop::create().value();
    MachineLock lock;
    WorkerPool workers{2};
    FakeImage* image;
    std::unique_ptr<BlockBackend> backend;
    std::string buffer = std::string(8192, 'z');
};

struct FakeMemory final : BlockMemory {
    using Mover = std::function<int(uint64_t position, std::span<std::byte> piece)>;
    explicit FakeMemory(Mover mover) : mover_(std::move(mover)) {}
    int move(uint64_t position, std::span<std::byte> piece) override {
        return mover_(position, piece);
    }
    bool fill(uint64_t position, uint64_t bytes, const Fill& fill) override {
        if (position + bytes > ram.size()) return false;
        const iovec buffer{ram.data() + position, bytes};
        return fill({&buffer, 1});
    }
    std::string ram;  // what fill() may fill

 private:
    Mover mover_;
};

TEST(BlockBackend, data_are_moved_a_piece_at_a_time_without_the_machine_lock) {
    Fixture f(3 * WorkerPool::kScratchBytes);
    std::ranges::fill(f.image->bytes(), 'a');
    std::string seen;
    const auto run = [&f](BlockOp op, uint64_t length, FakeMemory::Mover move) {
        int error = -1;
        {
            MachineLockGuard guard(f.lock);
            BlockRequest request{.op = op, .offset = 512, .length = length};
            request.memory = std::make_shared<FakeMemory>(std::move(move));
            request.done = [&error](int e) { error = e; };
            f.backend->submit(std::move(request));
        }
        f.backend->drain();
        return error;
    };
    const uint64_t length = WorkerPool::kScratchBytes + 512;
    EXPECT_EQ(run(BlockOp::kWrite, length,
                  [&](uint64_t position, std::span<std::byte> piece) {
                      EXPECT_FALSE(f.lock.held());
                      std::ranges::fill(piece, std::byte(position == 0 ? 'b' : 'c'));
                      return 0;
                  }),
              0);
    EXPECT_EQ(run(BlockOp::kRead, length,
                  [&](uint64_t position, std::span<std::byte> piece) {
                      EXPECT_EQ(position, seen.size());
                      seen.append(reinterpret_cast<const char*>(piece.data()), piece.size());
                      return 0;
                  }),
              0);
    EXPECT_EQ(seen, std::string(WorkerPool::kScratchBytes, 'b') + std::string(512, 'c'));
    EXPECT_EQ(f.image->bytes()[511], 'a');
    EXPECT_EQ(f.image->bytes()[512 + length], 'a');
    const auto before = f.image->bytes();
    EXPECT_EQ(
        run(BlockOp::kWrite, length,
            [](uint64_t position, std::span<std::byte>) { return position == 0 ? EFAULT : 0; }),
        EFAULT);
    EXPECT_EQ(f.image->bytes(), before);
    EXPECT_EQ(run(BlockOp::kRead, 1 << 30, [](uint64_t, std::span<std::byte>) { return 0; }),
              EINVAL);
}

TEST(BlockBackend, what_the_host_has_in_memory_is_read_without_a_move) {
    Fixture f(3 * WorkerPool::kScratchBytes);
    std::ranges::fill(f.image->bytes(), 'a');
    // Of the second piece there is no copy in the host's memory.
    f.image->cached = 512 + WorkerPool::kScratchBytes;
    std::string moved;
    auto memory = std::make_shared<FakeMemory>([&](uint64_t position, std::span<std::byte> piece) {
        EXPECT_EQ(position, WorkerPool::kScratchBytes);
        moved.assign(reinterpret_cast<const char*>(piece.data()), piece.size());
        return 0;
    });
    memory->ram.resize(2 * WorkerPool::kScratchBytes);
    int error = -1;
    {
        MachineLockGuard guard(f.lock);
        BlockRequest request{.offset = 512, .length = 2 * WorkerPool::kScratchBytes};
        request.memory = memory;
        request.done = [&error](int e) { error = e; };
        f.backend->submit(std::move(request));
    }
    f.backend->drain();
    EXPECT_EQ(error, 0);
    EXPECT_EQ(memory->ram.substr(0, WorkerPool::kScratchBytes),
              std::string(WorkerPool::kScratchBytes, 'a'));
    EXPECT_EQ(moved, std::string(WorkerPool::kScratchBytes, 'a'));
}

TEST(BlockBackend, little_that_the_host_has_in_memory_is_read_at_once_and_completed_later) {
    Fixture f;
    std::ranges::fill(f.image->bytes(), 'a');
    f.image->cached = 4096;
    auto memory = std::make_shared<FakeMemory>([](uint64_t, std::span<std::byte>) { return EIO; });
    memory->ram.resize(512);
    bool done = false;
    {
        MachineLockGuard guard(f.lock);
        BlockRequest request{.offset = 512, .length = 512};
        request.memory = memory;
        request.done = [&done](int error) { done = error == 0; };
        f.backend->submit(std::move(request));
    }
    EXPECT_EQ(memory->ram, std::string(512, 'a'));
    EXPECT_FALSE(done) << "a completion never runs inside submit()";
    f.backend->drain();
    EXPECT_TRUE(done);
    EXPECT_EQ(f.backend->statistics().read_bytes, 512u);
}

TEST(BlockBackend, completion_runs_on_the_loop_under_the_machine_lock) {
    Fixture f;
    bool done = false;
    bool locked = false;
    f.submit(BlockOp::kWrite, 512, 512, [&](int error) {
        EXPECT_EQ(error, 0);
        locked = f.lock.held();
        done = true;
    });
    EXPECT_FALSE(done) << "a completion never runs inside submit()";
    while (!done)
        f.loop->run_once(1000);
    EXPECT_TRUE(locked);
    EXPECT_EQ(f.image->bytes()[512], 'z');
    EXPECT_EQ(f.backend->in_flight(), 0u);
}

TEST(BlockBackend, drain_runs_completions_and_what_they_submit) {
    Fixture f;
    int finished = 0;
    f.submit(BlockOp::kRead, 0, 512, [&](int) {
        ++finished;
        f.backend->submit({.op = BlockOp::kFlush, .done = [&](int) { ++finished; }});
    });
    f.backend->drain();
    EXPECT_EQ(finished, 2);
    EXPECT_EQ(f.image->flushes, 1);
    f.loop->run_once(0);
    EXPECT_EQ(finished, 2) << "the loop finds nothing left";
}

TEST(BlockBackend, requests_out_of_range_fail_with_einval) {
    Fixture f;
    EXPECT_EQ(f.result(BlockOp::kRead, 8192, 512), EINVAL);
    EXPECT_EQ(f.result(BlockOp::kWrite, 7680, 1024), EINVAL);
    EXPECT_EQ(f.result(BlockOp::kRead, ~uint64_t{0} - 100, 512), EINVAL);
    EXPECT_EQ(f.result(BlockOp::kRead, 0, 0), EINVAL);
    EXPECT_EQ(f.result(BlockOp::kDiscard, 0, 8193), EINVAL);
    EXPECT_EQ(f.result(BlockOp::kRead, 7680, 512), 0);
}

TEST(BlockBackend, image_errors_reach_the_completion) {
    Fixture f;
    f.image->error = EIO;
    EXPECT_EQ(f.result(BlockOp::kRead, 0, 512), EIO);
    f.image->error = ENOSPC;
    EXPECT_EQ(f.result(BlockOp::kWrite, 0, 512), ENOSPC);
    EXPECT_EQ(f.result(BlockOp::kFlush, 0, 0), ENOSPC);
}

TEST(BlockBackend, read_only_image_refuses_writes) {
    Fixture f;
    f.image->set_read_only();
    EXPECT_EQ(f.result(BlockOp::kWrite, 0, 512), EROFS);
    EXPECT_EQ(f.result(BlockOp::kDiscard, 0, 512), EROFS);
    EXPECT_EQ(f.result(BlockOp::kRead, 0, 512), 0);
}

TEST(BlockBackend, statistics_count_what_happened) {
    Fixture f;
    (void)f.result(BlockOp::kRead, 0, 1024);
    (void)f.result(BlockOp::kWrite, 1024, 512);
    (void)f.result(BlockOp::kFlush, 0, 0);
    f.image->error = EIO;
    (void)f.result(BlockOp::kRead, 0, 512);
    BlockStatistics statistics = f.backend->statistics();
    EXPECT_EQ(statistics.reads, 1u);
    EXPECT_EQ(statistics.read_bytes, 1024u);
    EXPECT_EQ(statistics.written_bytes, 512u);
    EXPECT_EQ(statistics.highest_write_end, 1536u);
    EXPECT_EQ(statistics.flushes, 1u);
    EXPECT_EQ(statistics.failed_reads, 1u);
}

TEST(BlockBackend, destroyed_backend_completes_nothing) {
    Fixture f;
    bool done = false;
    f.submit(BlockOp::kWrite, 0, 512, [&](int) { done = true; });
    f.backend.reset();
    f.loop->run_once(0);
    EXPECT_FALSE(done);
}

TEST(BlockBackend, many_requests_from_all_sides_all_complete) {
    Fixture f;
    int finished = 0;
    for (int i = 0; i < 500; ++i) {
        f.submit(BlockOp::kWrite, 512u * (static_cast<unsigned>(i) % 16), 512,
                 [&](int) { ++finished; });
        if (i % 50 == 0) f.loop->run_once(0);
    }
    f.backend->drain();
    EXPECT_EQ(finished, 500);
}

struct FakeTray final : Tray {
    bool tray_open() const override { return true; }
    bool tray_locked() const override { return false; }
    void request_eject() override {}
    void move_tray(bool) override {}
    void medium_changed() override { ++changes; }
    int changes = 0;
};

TEST(BlockBackend, without_a_medium_every_request_says_so) {
    Fixture f;
    FakeTray tray;
    {
        MachineLockGuard guard(f.lock);
        f.backend->attach_tray(&tray);
        f.backend->change_medium(nullptr);
        EXPECT_EQ(f.backend->length(), 0u);
        EXPECT_FALSE(f.backend->has_medium());
    }
    EXPECT_EQ(tray.changes, 1);
    EXPECT_EQ(f.result(BlockOp::kRead, 0, 512), ENOMEDIUM);
    EXPECT_EQ(f.result(BlockOp::kFlush, 0, 0), ENOMEDIUM);
    EXPECT_TRUE(f.backend->activate());
    f.backend->inactivate();
    MachineLockGuard guard(f.lock);
    f.backend->attach_tray(nullptr);
}

TEST(BlockBackend, request_ends_on_the_medium_that_it_began_with) {
    Fixture f;
    std::ranges::fill(f.image->bytes(), 'a');
    auto other = std::make_unique<FakeImage>(4096);
    std::ranges::fill(other->bytes(), 'b');
    int error = -1;
    f.submit(BlockOp::kRead, 0, 512, [&](int e) { error = e; });
    {
        MachineLockGuard guard(f.lock);
        f.backend->change_medium(std::move(other));
    }
    f.backend->drain();
    EXPECT_EQ(error, 0);
    EXPECT_EQ(f.buffer[0], 'a');
    EXPECT_EQ(f.result(BlockOp::kRead, 0, 512), 0);
    EXPECT_EQ(f.buffer[0], 'b');
    EXPECT_EQ(f.result(BlockOp::kRead, 4096, 512), EINVAL);
}

}  // namespace
}  // namespace qc::block
