// Files, read by mapping or by reading, and written so that a half-written one never has the final name. POSIX.
// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include "quern/io/failure.hpp"
#include "quern/storage/packed.hpp"

namespace quern::inline v0::io {

// A file descriptor that is closed.
class descriptor {
 public:
  descriptor() noexcept = default;
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Which file it is, whatever its name.
struct file_identity {
  std::uint64_t device = 0, inode = 0;
  bool operator==(const file_identity&) const = default;
};
inline file_identity identity_of(const struct stat& s) noexcept {
  return {static_cast<std::uint64_t>(s.st_dev), static_cast<std::uint64_t>(s.st_ino)};
}

// The failure of a system call: errno is the value.
inline file_failure system_failure(const char* what, const std::filesystem::path& path) {
  const int error = errno;
  return {what, escaped(path.native()) + ": " + std::generic_category().message(error),
          static_cast<std::uint64_t>(error)};
}

// mapped: bytes are seen where the kernel has them; the file must not be cut while it is open. read: bytes are copied, so
// that no more memory is used than is asked for, whatever the size of the file.
enum class access { mapped, read };

// A file that is read. Its size is what it was when it was opened.
class input_file {
 public:
  static result<input_file> try_open(const std::filesystem::path& path, access how = access::mapped) noexcept {
    input_file f;
    f.path_ = path;
    f.fd_ = descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat s;
    if (!f.fd_ || ::fstat(f.fd_.get(), &s) != 0) return system_failure("the file cannot be opened", path);
    if (!S_ISREG(s.st_mode)) return file_failure{"not a regular file", escaped(path.native())};
    f.size_ = static_cast<std::uint64_t>(s.st_size), f.identity_ = identity_of(s);
    if (how == access::mapped && f.size_ != 0) {
      if (f.size_ > SIZE_MAX) return file_failure{"the file is too large to be mapped", escaped(path.native()), f.size_};
      void* const map = ::mmap(nullptr, static_cast<std::size_t>(f.size_), PROT_READ, MAP_PRIVATE, f.fd_.get(), 0);
      if (map == MAP_FAILED) return system_failure("the file cannot be mapped", path);
      f.map_ = static_cast<const std::byte*>(map);
    }
    return f;
  }
  input_file() noexcept = default;
  input_file(input_file&& other) noexcept
      : path_(std::move(other.path_)),
        fd_(std::move(other.fd_)),
        map_(std::exchange(other.map_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        identity_(other.identity_) {}
  input_file& operator=(input_file&& other) noexcept {
    std::swap(path_, other.path_), std::swap(fd_, other.fd_), std::swap(map_, other.map_);
    std::swap(size_, other.size_), std::swap(identity_, other.identity_);
    return *this;
  }
  ~input_file() {
    if (map_ != nullptr) ::munmap(const_cast<std::byte*>(map_), static_cast<std::size_t>(size_));
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  std::uint64_t size() const noexcept { return size_; }
  file_identity identity() const noexcept { return identity_; }
  bool is_mapped() const noexcept { return map_ != nullptr; }

  // Bytes [offset, offset + out.size()). Fails where they do not all lie in the file.
  result<void> try_read(std::uint64_t offset, std::span<std::byte> out) const noexcept {
    if (auto ok = check(offset, out.size()); !ok) return ok;
    if (out.empty()) return {};
    if (map_ != nullptr) {
      std::memcpy(out.data(), map_ + offset, out.size());
      return {};
    }
    for (std::size_t done = 0; done < out.size();) {
      const ssize_t n =
          ::pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_failure("the file cannot be read", path_);
      if (n == 0) return file_failure{"the file has become shorter", escaped(path_.native()), offset + done, size_};
      done += static_cast<std::size_t>(n);
    }
    return {};
  }
  // The same bytes where they are, or copied into `room`, which is made larger where needed. Valid as long as both.
  result<std::span<const std::byte>> try_view(std::uint64_t offset, std::size_t count,
                                              aligned_bytes& room) const noexcept {
    if (auto ok = check(offset, count); !ok) return ok.error();
    if (map_ != nullptr) return std::span(map_ + offset, count);
    if (room.span().size() < count) {
      room = aligned_bytes::try_make(count);
      if (room.span().empty()) return file_failure{"no memory for these bytes", escaped(path_.native()), count};
    }
    const std::span<std::byte> bytes = room.span().first(count);
    if (auto ok = try_read(offset, bytes); !ok) return ok.error();
    return std::span<const std::byte>(bytes);
  }

 private:
  result<void> check(std::uint64_t offset, std::size_t count) const noexcept {
    if (offset > size_ || count > size_ - offset)
      return file_failure{"bytes beyond the end of the file", escaped(path_.native()), count, size_, offset};
    return {};
  }
  std::filesystem::path path_;
  descriptor fd_;
  const std::byte* map_ = nullptr;
  std::uint64_t size_ = 0;
  file_identity identity_;
};

// A file that is written from front to back, or at places. Until commit() it has no name that anybody looks for: it is a
// temporary in the same folder, nameless where the file system can do that, else of its own name and removed by the
// destructor. What had the final name stays whole until then.
class output_file {
 public:
  // Refuses to replace one of `sources`, which are being read, under any name.
  static result<output_file> try_create(const std::filesystem::path& path,
                                        std::span<const file_identity> sources = {}) noexcept {
    struct stat s;
    if (::stat(path.c_str(), &s) == 0) {
      if (!S_ISREG(s.st_mode)) return file_failure{"there is something that is not a regular file", escaped(path.native())};
      if (std::ranges::find(sources, identity_of(s)) != sources.end())
        return file_failure{"the file is being read, and is not written over", escaped(path.native())};
    }
    output_file f;
    f.path_ = path;
    f.folder_ = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
#if defined(O_TMPFILE)
    f.fd_ = descriptor(::open(f.folder_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666));
#endif
    if (!f.fd_)
      for (unsigned i = 0; i < 100 && !f.fd_; ++i) {
        f.temporary_ = f.temporary_name(i);
        f.fd_ = descriptor(::open(f.temporary_.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666));
        if (!f.fd_ && errno != EEXIST) break;
      }
    if (!f.fd_) {
      f.temporary_.clear();
      return system_failure("the file cannot be created", path);
    }
    return f;
  }
  output_file(output_file&& other) noexcept
      : path_(std::move(other.path_)),
        folder_(std::move(other.folder_)),
        temporary_(std::exchange(other.temporary_, {})),
        fd_(std::move(other.fd_)),
        offset_(other.offset_) {}
  output_file& operator=(output_file&& other) noexcept {
    std::swap(path_, other.path_), std::swap(folder_, other.folder_), std::swap(temporary_, other.temporary_);
    std::swap(fd_, other.fd_), std::swap(offset_, other.offset_);
    return *this;
  }
  ~output_file() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  const std::filesystem::path& path() const noexcept { return path_; }
  // Bytes written so far.
  std::uint64_t offset() const noexcept { return offset_; }

  result<void> try_write(std::span<const std::byte> bytes) noexcept {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = ::write(fd_.get(), bytes.data() + done, bytes.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_failure("the file cannot be written", path_);
      done += static_cast<std::size_t>(n), offset_ += static_cast<std::uint64_t>(n);
    }
    return {};
  }
  // At a place of the file; offset() stays. Bytes before it that are never written are zeros.
  result<void> try_write_at(std::uint64_t offset, std::span<const std::byte> bytes) noexcept {
    constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
    if (offset > most || bytes.size() > most - offset)
      return file_failure{"the file would be larger than a file can be", escaped(path_.native()), bytes.size(), most, offset};
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n =
          ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return system_failure("the file cannot be written", path_);
      done += static_cast<std::size_t>(n);
    }
    return {};
  }
  // Zeros up to the next multiple of `alignment`.
  result<void> try_pad(std::uint64_t alignment) noexcept {
    static constexpr std::array<std::byte, 4096> zeros{};
    for (std::uint64_t left = (alignment - offset_ % alignment) % alignment; left != 0;) {
      const std::size_t n = static_cast<std::size_t>(std::min<std::uint64_t>(left, zeros.size()));
      if (auto ok = try_write(std::span(zeros).first(n)); !ok) return ok;
      left -= n;
    }
    return {};
  }
  // Gives the file its name, when its bytes and then the name are safe from a loss of power.
  result<void> try_commit() noexcept {
    if (::fsync(fd_.get()) != 0) return system_failure("the file cannot be synced", path_);
    if (temporary_.empty()) {
      const std::string self = "/proc/self/fd/" + std::to_string(fd_.get());
      for (unsigned i = 0; temporary_.empty(); ++i) {
        const std::filesystem::path name = temporary_name(i);
        if (::linkat(AT_FDCWD, self.c_str(), AT_FDCWD, name.c_str(), AT_SYMLINK_FOLLOW) == 0) temporary_ = name;
        else if (errno != EEXIST || i == 100) return system_failure("the file cannot be given a name", path_);
      }
    }
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) return system_failure("the file cannot be renamed", path_);
    temporary_.clear();
    const descriptor folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!folder || ::fsync(folder.get()) != 0) return system_failure("the folder cannot be synced", folder_);
    return {};
  }

 private:
  output_file() noexcept = default;
  std::filesystem::path temporary_name(unsigned i) const {
    return folder_ / ("." + path_.filename().native() + "." + std::to_string(::getpid()) + "." + std::to_string(i) + ".part");
  }
  std::filesystem::path path_, folder_, temporary_;
  descriptor fd_;
  std::uint64_t offset_ = 0;
};

}  // namespace quern::inline v0::io
