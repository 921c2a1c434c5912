// SPDX-License-Identifier: GPL-2.0-or-later
//
// Runs a fuzz target without libFuzzer, so that every build and every `make
// check` runs the fuzzers for a short while: a fixed number of inputs, made from
// the seeds by a seeded generator, the same ones each time.
//
//   fuzz_X [--runs N] [--seconds S] [--seed N] [FILE or DIRECTORY]...
//
// Files are run as they are first, and are what later inputs are made from. An
// input that kills the process is left in the file crash-PROGRAM.
#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

using Input = std::vector<uint8_t>;

// What the signal handler writes: set before each run, read only after a crash.
const Input* volatile current_input = nullptr;
char crash_path[256];

void save_input_and_die(int signal) {
    if (const Input* input = current_input) {
        int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (fd >= 0 && write(fd, input->data(), input->size()) >= 0) close(fd);
    }
    ::signal(signal, SIG_DFL);
    raise(signal);
}

class Mutator {
 public:
    explicit Mutator(uint64_t seed) : random_(seed) {}

    Input next(const std::vector<Input>& seeds) {
        Input input = seeds.empty() ? Input() : seeds[below(seeds.size())];
        for (size_t count = 1 + below(8); count > 0; --count)
            mutate(input, seeds);
        return input;
    }

 private:
    static constexpr size_t kMaxSize = 65536;

    size_t below(size_t limit) { return static_cast<size_t>(random_() % limit); }
    size_t position(const Input& input) { return below(input.size() + 1); }

    void mutate(Input& input, const std::vector<Input>& seeds) {
        switch (below(8)) {
            case 0: flip_bit(input); break;
            case 1: overwrite(input, static_cast<uint8_t>(random_())); break;
            case 2: overwrite(input, kEdges[below(std::size(kEdges))]); break;
            case 3: insert_bytes(input); break;
            case 4: erase(input); break;
            case 5: input.resize(position(input)); break;
            case 6: repeat(input); break;
            default: splice(input, seeds); break;
        }
        if (input.size() > kMaxSize) input.resize(kMaxSize);
    }

    void flip_bit(Input& input) {
        if (!input.empty()) input[below(input.size())] ^= static_cast<uint8_t>(1 << below(8));
    }

    void overwrite(Input& input, uint8_t value) {
        if (input.empty()) return;
        const size_t start = below(input.size());
        const size_t count = std::min(input.size() - start, size_t{1} << below(4));
        std::fill_n(input.begin() + static_cast<ptrdiff_t>(start), count, value);
    }

    void insert_bytes(Input& input) {
        const auto where = input.begin() + static_cast<ptrdiff_t>(position(input));
        Input bytes(1 + below(16));
        for (uint8_t& byte : bytes)
            byte = static_cast<uint8_t>(random_());
        input.insert(where, bytes.begin(), bytes.end());
    }

    void erase(Input& input) {
        const size_t start = position(input);
        const size_t count = std::min(input.size() - start, 1 + below(16));
        const auto first = input.begin() + static_cast<ptrdiff_t>(start);
        input.erase(first, first + static_cast<ptrdiff_t>(count));
    }

    void repeat(Input& input) {
        const size_t start = position(input);
        const size_t count = std::min(input.size() - start, 1 + below(64));
        const auto first = input.begin() + static_cast<ptrdiff_t>(start);
        const Input piece(first, first + static_cast<ptrdiff_t>(count));
        input.insert(first, piece.begin(), piece.end());
    }

    void splice(Input& input, const std::vector<Input>& seeds) {
        if (seeds.empty()) return;
        const Input& other = seeds[below(seeds.size())];
        input.resize(position(input));
        input.insert(input.end(), other.begin() + static_cast<ptrdiff_t>(position(other)),
                     other.end());
    }

    static constexpr uint8_t kEdges[] = {0x00, 0x01, 0x7f, 0x80, 0xff, '"', '{', ',', '='};
    std::mt19937_64 random_;
};

struct Options {
    uint64_t runs = 200000;
    uint64_t seconds = 5;
    uint64_t seed = 1;
    std::vector<std::string> paths;
};

bool parse(int argc, char** argv, Options& options) {
    for (int index = 1; index < argc; ++index) {
        const std::string_view word = argv[index];
        uint64_t* number = word == "--runs"      ? &options.runs
                           : word == "--seconds" ? &options.seconds
                           : word == "--seed"    ? &options.seed
                                                 : nullptr;
        if (!number && word.starts_with("-")) return false;
        if (!number) {
            options.paths.emplace_back(word);
            continue;
        }
        if (++index == argc) return false;
        const std::string_view value = argv[index];
        const auto [end, error] = std::from_chars(value.begin(), value.end(), *number);
        if (error != std::errc() || end != value.end()) return false;
    }
    return true;
}

Input read_input(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return Input(std::istreambuf_iterator<char>(file), {});
}

std::vector<Input> read_seeds(const std::vector<std::string>& paths) {
    std::vector<std::filesystem::path> files;
    for (const std::string& path : paths) {
        if (!std::filesystem::is_directory(path)) {
            files.emplace_back(path);
            continue;
        }
        for (const auto& entry : std::filesystem::directory_iterator(path)) {
            if (entry.is_regular_file()) files.push_back(entry.path());
        }
    }
    std::ranges::sort(files);  // the directory's order differs between machines
    std::vector<Input> seeds;
    for (const auto& file : files)
        seeds.push_back(read_input(file));
    return seeds;
}

void run_one(const Input& input) {
    current_input = &input;
    LLVMFuzzerTestOneInput(input.data(), input.size());
    current_input = nullptr;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse(argc, argv, options)) {
        fmt::print(stderr, "usage: {} [--runs N] [--seconds S] [--seed N] [PATH]...\n", argv[0]);
        return 2;
    }
    const std::string name = std::filesystem::path(argv[0]).filename();
    *fmt::format_to_n(crash_path, sizeof(crash_path) - 1, "crash-{}", name).out = '\0';
    for (int signal : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP}) {
        ::signal(signal, save_input_and_die);
    }

    const std::vector<Input> seeds = read_seeds(options.paths);
    for (const Input& seed : seeds)
        run_one(seed);

    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
    Mutator mutator(options.seed);
    uint64_t run = 0;
    while (run < options.runs && std::chrono::steady_clock::now() < end) {
        run_one(mutator.next(seeds));
        ++run;
    }
    fmt::print("{}: {} seeds, {} inputs made with --seed {}\n", name, seeds.size(), run,
               options.seed);
}
