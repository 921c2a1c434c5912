// SPDX-License-Identifier: GPL-2.0-or-later
#include "accel/tcg/native_oracle.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>
#include <csetjmp>
#include <csignal>
#include <cstdlib>
#include <cstring>

// Loads the vector registers from the image at RSI and the others from the frame at
// RDI, in the order below, and returns into code of either size.
asm(R"(
    .pushsection .text
qc_oracle_enter:
    fxrstor64 (%rsi)
    movl $0x2b, %eax
    movl %eax, %ds
    movl %eax, %es
    movq %rdi, %rsp
    popq %rax
    popq %rcx
    popq %rdx
    popq %rbx
    popq %rbp
    popq %rsi
    popq %r8
    popq %r9
    popq %r10
    popq %r11
    popq %r12
    popq %r13
    popq %r14
    popq %r15
    popq %rdi
    iretq
    .popsection
)");
extern "C" [[noreturn]] void qc_oracle_enter(const void* frame, const void* fpu);

namespace qc::accel::tcg {

namespace {

struct Frame {
    uint64_t rax, rcx, rdx, rbx, rbp, rsi;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rdi;
    uint64_t rip, cs, rflags, rsp, ss;
};

constexpr uint64_t kCompatibilityCode = 0x23;
constexpr uint64_t kLongCode = 0x33;
constexpr uint64_t kUserData = 0x2b;
constexpr uint64_t kTrapFlag = 0x100;

// The child is this process' copy with one thread and one purpose: what its signal
// handler needs may be static there.
sigjmp_buf child_return;
OracleCase* child_case;

void on_signal(int number, siginfo_t*, void* context) {
    const auto& r = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
    constexpr int kOrder[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                REG_R12, REG_R13, REG_R14, REG_R15};
    for (unsigned i = 0; i < (child_case->code64 ? 16 : 8); ++i) {
        auto value = static_cast<uint64_t>(r[kOrder[i]]);
        child_case->registers[i] = child_case->code64 ? value : value & 0xffffffff;
    }
    std::memcpy(child_case->fpu.data(), static_cast<ucontext_t*>(context)->uc_mcontext.fpregs,
                child_case->fpu.size());
    child_case->ip = static_cast<uint64_t>(r[REG_RIP]);
    child_case->flags = static_cast<uint32_t>(r[REG_EFL]);
    switch (number) {
        case SIGTRAP: child_case->vector = 1; break;
        // Divide error, or one of x87 or SSE.
        case SIGFPE: child_case->vector = static_cast<uint32_t>(r[REG_TRAPNO]); break;
        case SIGILL: child_case->vector = 6; break;
        default: child_case->vector = 13; break;
    }
    siglongjmp(child_return, 1);
}

bool map_at(uint32_t address, uint32_t size, int protection) {
    void* wanted = reinterpret_cast<void*>(uint64_t{address});
    return mmap(wanted, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
                0) == wanted;
}

[[noreturn]] void run_child(OracleCase* cases, size_t count) {
    static std::array<std::byte, 65536> signal_stack;
    stack_t stack{};
    stack.ss_sp = signal_stack.data();
    stack.ss_size = signal_stack.size();
    struct sigaction action{};
    action.sa_sigaction = on_signal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    constexpr int kWritable = PROT_READ | PROT_WRITE;
    if (!map_at(kOracleCode, 0x1000, kWritable | PROT_EXEC) ||
        !map_at(kOracleData, kOracleDataSize, kWritable) || sigaltstack(&stack, nullptr) != 0) {
        _exit(1);
    }
    for (int number : {SIGTRAP, SIGFPE, SIGILL, SIGSEGV, SIGBUS})
        sigaction(number, &action, nullptr);
    alarm(30);
    auto* code = reinterpret_cast<uint8_t*>(uint64_t{kOracleCode});
    auto* data = reinterpret_cast<uint8_t*>(uint64_t{kOracleData});
    for (size_t i = 0; i < count; ++i) {
        OracleCase& c = cases[i];
        child_case = &c;
        std::memcpy(code, c.code.data(), c.code.size());
        std::memcpy(data, c.data.data(), c.data.size());
        const auto& g = c.registers;
        Frame frame{.rax = g[0],
                    .rcx = g[1],
                    .rdx = g[2],
                    .rbx = g[3],
                    .rbp = g[5],
                    .rsi = g[6],
                    .r8 = g[8],
                    .r9 = g[9],
                    .r10 = g[10],
                    .r11 = g[11],
                    .r12 = g[12],
                    .r13 = g[13],
                    .r14 = g[14],
                    .r15 = g[15],
                    .rdi = g[7],
                    .rip = kOracleCode,
                    .cs = c.code64 ? kLongCode : kCompatibilityCode,
                    .rflags = c.flags | (c.single_step ? kTrapFlag : 0),
                    .rsp = g[4],
                    .ss = kUserData};
        if (sigsetjmp(child_return, 1) == 0) qc_oracle_enter(&frame, c.fpu.data());
        std::memcpy(c.data.data(), data, c.data.size());
    }
    _exit(0);
}

}  // namespace

uint64_t nightly_first_seed() {
    const char* text = std::getenv("ORACLE_FIRST_SEED");
    return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

bool run_on_host(std::vector<OracleCase>& cases) {
    size_t bytes = cases.size() * sizeof(OracleCase);
    void* shared = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return false;
    std::memcpy(shared, cases.data(), bytes);
    pid_t child = fork();
    if (child == 0) run_child(static_cast<OracleCase*>(shared), cases.size());
    int status = -1;
    bool done = child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) &&
                WEXITSTATUS(status) == 0;
    if (done) std::memcpy(cases.data(), shared, bytes);
    munmap(shared, bytes);
    return done;
}

}  // namespace qc::accel::tcg
