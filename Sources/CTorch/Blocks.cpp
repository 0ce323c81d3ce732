// Memory of large models: blocks of 16 MB and more are mapped by themselves and kept for a while when they are freed.
//
// In the C library's heap, large blocks of many sizes leave holes between them, which cost a large model half a gigabyte; mapped and given
// back each time, their pages are cleared at each use, which costs a step a quarter of its time.

#include "CTorch.h"

#include <c10/core/CPUAllocator.h>
#include <c10/core/impl/alloc_cpu.h>

#include <cstdint>
#include <mutex>
#include <unordered_map>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>

namespace {
class LargeBlocks final : public c10::Allocator {
 public:
  static LargeBlocks &shared() {
    static auto *blocks = new LargeBlocks; // Blocks are freed until the very end.
    return *blocks;
  }

  c10::DataPtr allocate(size_t bytes) override {
    void *data = bytes >= least ? take(bytes) : nullptr;
    if (!data) data = c10::alloc_cpu(bytes);
    return {data, data, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void *to, const void *from, size_t bytes) const override { default_copy_data(to, from, bytes); }

  void drop() {
    const std::lock_guard lock(mutex);
    while (!kept.empty()) unmapOldest();
  }

 private:
  static constexpr size_t least = size_t(16) << 20, most = size_t(128) << 20, page = size_t(1) << 20;
  struct Block {
    void *data;
    size_t bytes;
  };
  std::mutex mutex;
  std::unordered_map<void *, size_t> used;
  std::vector<Block> kept; // The oldest first.
  size_t keptBytes = 0;

  void *take(size_t bytes) {
    bytes = (bytes + page - 1) / page * page;
    const std::lock_guard lock(mutex);
    // The one that was freed last is in the processor's caches; one that is an eighth larger is taken, too.
    for (size_t i = kept.size(); i-- > 0;) {
      const Block block = kept[i];
      if (block.bytes < bytes || block.bytes > bytes + bytes / 8) continue;
      kept.erase(kept.begin() + i);
      keptBytes -= block.bytes;
      used[block.data] = block.bytes;
      return block.data;
    }
    void *data = map(bytes);
    while (!data && !kept.empty()) {
      unmapOldest();
      data = map(bytes);
    }
    if (data) used[data] = bytes;
    return data;
  }

  static void release(void *data) {
    // Mapped blocks begin with a page; few others do.
    if (data && (reinterpret_cast<uintptr_t>(data) & 4095) == 0 && shared().keep(data)) return;
    c10::free_cpu(data);
  }

  bool keep(void *data) {
    const std::lock_guard lock(mutex);
    const auto found = used.find(data);
    if (found == used.end()) return false;
    kept.push_back({data, found->second});
    keptBytes += found->second;
    used.erase(found);
    while (keptBytes > most) unmapOldest();
    return true;
  }

  static void *map(size_t bytes) {
    void *data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return data == MAP_FAILED ? nullptr : data;
  }
  void unmapOldest() {
    munmap(kept.front().data, kept.front().bytes);
    keptBytes -= kept.front().bytes;
    kept.erase(kept.begin());
  }
};
} // namespace

extern "C" {
void ct_map_large_blocks(void) { c10::SetCPUAllocator(&LargeBlocks::shared()); }
void ct_drop_large_blocks(void) { LargeBlocks::shared().drop(); }
}
#else
extern "C" {
void ct_map_large_blocks(void) {}
void ct_drop_large_blocks(void) {}
}
#endif
