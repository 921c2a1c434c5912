// SPDX-License-Identifier: GPL-2.0-or-later
#include "util/event/event_loop.h"

#include <glib-unix.h>
#include <glib.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "util/assert.h"
#include "util/mutex.h"

namespace qc {

// A source that calls back owns its function; GLib keeps that alive while it
// runs, also when the Watch is destroyed by it.
struct EventLoop::Watch::Impl {
    explicit Impl(GSource* attached) : source(attached) {}
    ~Impl() {
        g_source_destroy(source);
        g_source_unref(source);
    }
    Impl(const Impl&) = delete;
    Impl& operator=(const Impl&) = delete;

    GSource* source;
};

struct EventLoop::Impl {
    // The source that runs posted functions.
    struct PostSource {
        GSource base;
        Impl* impl;
    };

    GMainContext* context = g_main_context_new();
    GSource* post_source = nullptr;
    std::atomic<bool> quit{false};
    std::atomic<std::thread::id> owner{std::this_thread::get_id()};
    std::atomic<bool> posted{false};
    Mutex mutex;
    std::vector<std::move_only_function<void()>> queue GUARDED_BY(mutex);

    void run_posted();
    Watch attach(GSource* source, GSourceFunc call, std::function<void()> callback);
};

namespace {

gboolean call_again(gpointer data) noexcept {
    (*static_cast<std::function<void()>*>(data))();
    return G_SOURCE_CONTINUE;
}

gboolean call_once(gpointer data) noexcept {
    (*static_cast<std::function<void()>*>(data))();
    return G_SOURCE_REMOVE;
}

gboolean call_for_fd(gint, GIOCondition, gpointer data) noexcept {
    (*static_cast<std::function<void()>*>(data))();
    return G_SOURCE_CONTINUE;
}

void delete_function(gpointer data) noexcept {
    delete static_cast<std::function<void()>*>(data);
}

guint clamp_ms(int64_t ms) {
    return static_cast<guint>(std::clamp<int64_t>(ms, 0, std::numeric_limits<gint>::max()));
}

}  // namespace

EventLoop::Watch::Watch(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
EventLoop::Watch::Watch() = default;
EventLoop::Watch::~Watch() = default;
EventLoop::Watch::Watch(Watch&&) noexcept = default;
EventLoop::Watch& EventLoop::Watch::operator=(Watch&&) noexcept = default;

void EventLoop::Impl::run_posted() {
    std::vector<std::move_only_function<void()>> batch;
    {
        MutexLock lock(mutex);
        batch.swap(queue);
        posted.store(false, std::memory_order_relaxed);
    }
    // What these post runs in the next iteration, so that descriptors get their turn.
    for (std::move_only_function<void()>& function : batch) {
        function();
        function = nullptr;
    }
}

EventLoop::Watch EventLoop::Impl::attach(GSource* source, GSourceFunc call,
                                         std::function<void()> callback) {
    g_source_set_callback(source, call, new std::function<void()>(std::move(callback)),
                          delete_function);
    g_source_attach(source, context);
    return Watch(std::make_unique<Watch::Impl>(source));
}

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {
    static constexpr auto ready = [](GSource* source) noexcept {
        const Impl* impl = reinterpret_cast<Impl::PostSource*>(source)->impl;
        return impl->posted.load(std::memory_order_acquire);
    };
    static GSourceFuncs functions = {
        .prepare = [](GSource* source, gint* timeout) noexcept -> gboolean {
            *timeout = -1;
            return ready(source);
        },
        .check = [](GSource* source) noexcept -> gboolean { return ready(source); },
        .dispatch = [](GSource* source, GSourceFunc, gpointer) noexcept -> gboolean {
            reinterpret_cast<Impl::PostSource*>(source)->impl->run_posted();
            return G_SOURCE_CONTINUE;
        },
        .finalize = nullptr,
        .closure_callback = nullptr,
        .closure_marshal = nullptr,
    };
    impl_->post_source = g_source_new(&functions, sizeof(Impl::PostSource));
    reinterpret_cast<Impl::PostSource*>(impl_->post_source)->impl = impl_.get();
    g_source_attach(impl_->post_source, impl_->context);
}

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
    return std::unique_ptr<EventLoop>(new EventLoop());
}

EventLoop::~EventLoop() {
    g_source_destroy(impl_->post_source);
    g_source_unref(impl_->post_source);
    g_main_context_unref(impl_->context);
}

void EventLoop::run() {
    impl_->owner.store(std::this_thread::get_id(), std::memory_order_relaxed);
    while (!impl_->quit.load(std::memory_order_acquire)) {
        g_main_context_iteration(impl_->context, true);
    }
    impl_->quit.store(false, std::memory_order_relaxed);
}

void EventLoop::run_once(int timeout_ms) {
    impl_->owner.store(std::this_thread::get_id(), std::memory_order_relaxed);
    Watch limit;
    if (timeout_ms > 0) limit = after_ms(timeout_ms, [] {});
    g_main_context_iteration(impl_->context, timeout_ms > 0);
}

void EventLoop::quit() {
    impl_->quit.store(true, std::memory_order_release);
    g_main_context_wakeup(impl_->context);
}

bool EventLoop::is_current() const {
    return impl_->owner.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

void EventLoop::post(std::move_only_function<void()> function) {
    {
        MutexLock lock(impl_->mutex);
        impl_->queue.push_back(std::move(function));
        // Whoever finds it set has a wake-up on the way already.
        if (impl_->posted.exchange(true, std::memory_order_release)) return;
    }
    g_main_context_wakeup(impl_->context);
}

EventLoop::Watch EventLoop::watch_fd(int fd, FdEvents events, std::function<void()> callback) {
    unsigned condition = G_IO_HUP | G_IO_ERR;
    const unsigned wanted = std::to_underlying(events);
    if (wanted & std::to_underlying(FdEvents::kRead)) condition |= G_IO_IN;
    if (wanted & std::to_underlying(FdEvents::kWrite)) condition |= G_IO_OUT;
    GSource* source = g_unix_fd_source_new(fd, static_cast<GIOCondition>(condition));
    return impl_->attach(source,
                         reinterpret_cast<GSourceFunc>(reinterpret_cast<void (*)()>(call_for_fd)),
                         std::move(callback));
}

EventLoop::Watch EventLoop::after_ms(int64_t delay_ms, std::function<void()> callback) {
    return impl_->attach(g_timeout_source_new(clamp_ms(delay_ms)), call_once, std::move(callback));
}

EventLoop::Watch EventLoop::every_ms(int64_t interval_ms, std::function<void()> callback) {
    return impl_->attach(g_timeout_source_new(clamp_ms(interval_ms)), call_again,
                         std::move(callback));
}

}  // namespace qc
