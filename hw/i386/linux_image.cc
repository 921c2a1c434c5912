// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i386/linux_image.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "pc-bios/linuxboot.hex"
#include "util/little_endian.h"

namespace qc::hw {

namespace {

// Where the option ROM and the boot protocol want things.
constexpr uint32_t kSetupAddress = 0x10000;
constexpr uint32_t kCommandLineAddress = 0x20000;
constexpr uint32_t kKernelAddress = 0x100000;
constexpr size_t kSector = 512;
constexpr size_t kMostSetup = 32768;
// The setup code's heap ends below what the ROM exchanges with fw_cfg.
constexpr uint16_t kHeapEnd = 0xf800 - 0x200;
constexpr uint64_t kPage = 4096;

// Fields of the setup header, by their place in the file.
constexpr size_t kSetupSectors = 0x1f1;
constexpr size_t kVideoMode = 0x1fa;
constexpr size_t kMagic = 0x202;
constexpr size_t kVersion = 0x206;
constexpr size_t kLoaderType = 0x210;
constexpr size_t kLoadFlags = 0x211;
constexpr size_t kInitrdAddress = 0x218;
constexpr size_t kInitrdSize = 0x21c;
constexpr size_t kHeapEndPointer = 0x224;
constexpr size_t kCommandLinePointer = 0x228;
constexpr size_t kInitrdMost = 0x22c;       // since 2.03
constexpr size_t kCommandLineMost = 0x238;  // since 2.06
constexpr size_t kHeaderEnd = 0x23c;

constexpr uint32_t kMagicValue = 0x53726448;  // "HdrS"
constexpr uint16_t kOldestVersion = 0x202;
constexpr uint8_t kLoadedHigh = 1u << 0;
constexpr uint8_t kCanUseHeap = 1u << 7;
constexpr uint8_t kLoaderIsQemu = 0xb0;
constexpr uint64_t kInitrdMostBefore203 = 0x37ffffff;
constexpr uint64_t kCommandLineMostBefore206 = 255;

// What "vga=" on the command line asks the setup code for, if it is there.
Result<std::optional<uint16_t>> video_mode(std::string_view command_line) {
    constexpr std::string_view kOption = "vga=";
    size_t at = command_line.find(kOption);
    while (at != std::string_view::npos && at != 0 && command_line[at - 1] != ' ')
        at = command_line.find(kOption, at + 1);
    if (at == std::string_view::npos) return std::optional<uint16_t>{};
    std::string_view text = command_line.substr(at + kOption.size());
    text = text.substr(0, text.find(' '));
    if (text == "normal") return std::optional<uint16_t>{0xffff};
    if (text == "ext") return std::optional<uint16_t>{0xfffe};
    if (text == "ask") return std::optional<uint16_t>{0xfffd};
    const bool hexadecimal = text.starts_with("0x");
    std::string_view digits = hexadecimal ? text.substr(2) : text;
    uint16_t value = 0;
    auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), value, hexadecimal ? 16 : 10);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
        return fail("the kernel's command line has 'vga={}', which is no video mode", text);
    }
    return std::optional<uint16_t>{value};
}

Result<uint16_t> version_of(std::span<const std::byte> image) {
    if (!has_linux_header(image)) {
        return fail("it is not a Linux kernel that a boot loader can start (bzImage)");
    }
    const auto version = get_le<uint16_t>(image, kVersion);
    if (version < kOldestVersion) {
        return fail("its boot protocol is {}.{:02}, which is too old (2.02)", version >> 8,
                    version & 0xff);
    }
    if ((get_le<uint8_t>(image, kLoadFlags) & kLoadedHigh) == 0) {
        return fail("it is a zImage, which must be loaded below 1 MiB");
    }
    return version;
}

Result<size_t> setup_size_of(std::span<const std::byte> image) {
    size_t sectors = get_le<uint8_t>(image, kSetupSectors);
    if (sectors == 0) sectors = 4;
    const size_t size = (sectors + 1) * kSector;
    if (size > kMostSetup || size >= image.size()) {
        return fail("its setup code has {} bytes", size);
    }
    return size;
}

// As high as the kernel allows; it wants to be left alone below.
Result<uint32_t> place_initrd(size_t size, uint64_t most, uint64_t kernel_end,
                              uint64_t ram_below_4g) {
    const uint64_t end = std::min(most + 1, ram_below_4g - kFirmwareReserve);
    if (end < size || (end - size) / kPage * kPage < kernel_end) {
        return fail("an initial RAM disk of {} bytes does not fit behind the kernel", size);
    }
    return static_cast<uint32_t>((end - size) / kPage * kPage);
}

}  // namespace

bool has_linux_header(std::span<const std::byte> image) {
    return image.size() >= kHeaderEnd && get_le<uint32_t>(image, kMagic) == kMagicValue;
}

Result<LinuxBoot> prepare_linux(const KernelFiles& files, uint64_t ram_below_4g) {
    const std::span<const std::byte> image = files.kernel;
    const uint16_t version = TRY(version_of(image));
    const size_t setup_size = TRY(setup_size_of(image));
    const uint64_t kernel_end = kKernelAddress + image.size() - setup_size;
    if (kernel_end + kFirmwareReserve > ram_below_4g) {
        return fail("it has {} bytes, which do not fit into memory", image.size());
    }
    const uint64_t longest =
        version >= 0x206 ? get_le<uint32_t>(image, kCommandLineMost) : kCommandLineMostBefore206;
    if (files.command_line.size() > longest) {
        return fail("the command line has {} characters, this kernel takes {}",
                    files.command_line.size(), longest);
    }

    LinuxBoot boot;
    boot.setup = {kSetupAddress,
                  {image.begin(), image.begin() + static_cast<ptrdiff_t>(setup_size)}};
    boot.kernel = {kKernelAddress,
                   {image.begin() + static_cast<ptrdiff_t>(setup_size), image.end()}};
    const auto text =
        std::as_bytes(std::span(files.command_line.c_str(), files.command_line.size() + 1));
    boot.command_line = {kCommandLineAddress, {text.begin(), text.end()}};

    const std::span<std::byte> header = boot.setup.bytes;
    put_le(header, kLoaderType, 1, kLoaderIsQemu);
    put_le(header, kLoadFlags, 1, get_le<uint8_t>(image, kLoadFlags) | kCanUseHeap);
    put_le(header, kHeapEndPointer, 2, kHeapEnd);
    put_le(header, kCommandLinePointer, 4, kCommandLineAddress);
    if (auto mode = TRY(video_mode(files.command_line))) put_le(header, kVideoMode, 2, *mode);
    if (!files.modules.empty() && !files.modules.front().bytes.empty()) {
        const std::vector<std::byte>& initrd = files.modules.front().bytes;
        const uint64_t most =
            version >= 0x203 ? get_le<uint32_t>(image, kInitrdMost) : kInitrdMostBefore203;
        boot.initrd = {TRY(place_initrd(initrd.size(), most, kernel_end, ram_below_4g)), initrd};
        put_le(header, kInitrdAddress, 4, boot.initrd.address);
        put_le(header, kInitrdSize, 4, static_cast<uint32_t>(initrd.size()));
    }
    return boot;
}

void add_linux_boot(FwCfg& fw_cfg, LinuxBoot boot) {
    auto add = [&](uint16_t address, uint16_t size, uint16_t data, LinuxBoot::Piece& piece) {
        fw_cfg.add_u32(address, piece.address);
        fw_cfg.add_u32(size, static_cast<uint32_t>(piece.bytes.size()));
        fw_cfg.add(data, std::move(piece.bytes));
    };
    add(fw_cfg::kSetupAddress, fw_cfg::kSetupSize, fw_cfg::kSetupData, boot.setup);
    add(fw_cfg::kKernelAddress, fw_cfg::kKernelSize, fw_cfg::kKernelData, boot.kernel);
    add(fw_cfg::kCommandLineAddress, fw_cfg::kCommandLineSize, fw_cfg::kCommandLineData,
        boot.command_line);
    add(fw_cfg::kInitrdAddress, fw_cfg::kInitrdSize, fw_cfg::kInitrdData, boot.initrd);
    const auto rom = std::as_bytes(std::span(linuxboot_rom));
    fw_cfg.add_file("genroms/linuxboot.bin", {rom.begin(), rom.end()});
}

}  // namespace qc::hw
