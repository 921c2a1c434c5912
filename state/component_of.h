// SPDX-License-Identifier: GPL-2.0-or-later
//
// Makes a StateComponent of an owner with a state struct that has a field list
// (state/fields.h). The owner provides
//
//     State save() const;                          // may return Result<State>
//     Result<void> validate(const State&) const;   // ranges; touches nothing
//     void restore(const State&);                  // sets everything; may return Result<void>
#pragma once

#include <utility>

#include "state/fields.h"
#include "state/state_component.h"

namespace qc::state {

template <typename Owner, typename State>
class ComponentOf final : public StateComponent {
 public:
    ComponentOf(StateId id, Owner& owner) : id_(std::move(id)), owner_(owner) {}

    StateId state_id() const override { return id_; }

    Result<std::vector<std::byte>> save_state() override {
        State state = TRY(saved());
        ByteWriter out;
        FieldSaver saver(out);
        State::fields(saver, std::as_const(state));
        return out.take();
    }

    Result<std::unique_ptr<StagedState>> stage_state(uint32_t version,
                                                     std::span<const std::byte> data) override {
        if (version > id_.version || version < id_.oldest_version) {
            return fail("state version {} is not supported, {} to {} are", version,
                        id_.oldest_version, id_.version);
        }
        State state{};
        ByteReader in(data);
        FieldLoader loader(in, version);
        State::fields(loader, state);
        TRY(loader.take_status());
        TRY(in.expect_end("device state"));
        TRY(owner_.validate(std::as_const(state)));
        return std::make_unique<Staged>(owner_, std::move(state));
    }

    std::string describe_state() const override {
        const State defaults{};
        FieldDescriber describer;
        State::fields(describer, defaults);
        return describer.take();
    }

    Result<std::string> print_state() override {
        State state = TRY(saved());
        FieldPrinter printer;
        State::fields(printer, std::as_const(state));
        return printer.take();
    }

 private:
    class Staged final : public StagedState {
     public:
        Staged(Owner& owner, State state) : owner_(owner), state_(std::move(state)) {}
        Result<void> commit() override {
            if constexpr (std::is_void_v<decltype(owner_.restore(state_))>) {
                owner_.restore(state_);
                return {};
            } else {
                return owner_.restore(state_);
            }
        }

     private:
        Owner& owner_;
        State state_;
    };

    Result<State> saved() { return owner_.save(); }

    StateId id_;
    Owner& owner_;
};

}  // namespace qc::state
