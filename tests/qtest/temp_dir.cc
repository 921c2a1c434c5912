// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/qtest/temp_dir.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace qc::qtest {

Result<TempDir> TempDir::create() {
    // Short, because a unix socket's whole path has at most 107 bytes.
    std::string path = std::filesystem::temp_directory_path() / "qc-test-XXXXXX";
    if (!mkdtemp(path.data())) {
        return fail_errno(errno, "cannot create the directory {}", path);
    }
    return TempDir(path);
}

TempDir::~TempDir() {
    if (path_.empty()) return;
    if (std::getenv("KEEP_TEST_FILES")) {
        std::fprintf(stderr, "kept: %s\n", path_.c_str());
        return;
    }
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::ostringstream content;
    content << file.rdbuf();
    return std::move(content).str();
}

Result<void> write_file(const std::string& path, std::string_view content) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
    file.close();
    if (!file) return fail("cannot write {}", path);
    return {};
}

}  // namespace qc::qtest
