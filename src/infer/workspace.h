// Scratch memory of forward passes: taken, grown when needed, given back; after warm-up nothing is allocated.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "base/aligned.h"
#include "kernels/kernels.h"

namespace filbert {

// Rows of activations as the kernels of a narrow dtype take them (linear.h).
struct PreparedRows {
  std::size_t stride = 0;              // bytes from a row to the next
  AlignedBuffer<std::byte> numbers;    // [rows, stride]
  AlignedBuffer<RowScale> scales;      // [rows], int8 only
};

// For one unit of rows end to end. `tokens` is its total_tokens, `texts` its rows.
struct Workspace {
  AlignedFloats hidden;        // [tokens, hidden_size], the residual stream
  AlignedFloats query;         // [tokens, hidden_size]
  AlignedFloats key_value;     // [tokens, 2 · hidden_size]
  AlignedFloats context;       // [tokens, hidden_size]
  AlignedFloats projected;     // [tokens, hidden_size]
  AlignedFloats intermediate;  // [tokens, intermediate_size]
  PreparedRows prepared;       // of the linear layer under way

  struct Attention {           // of one thread
    AlignedFloats packed_key;    // [head_size, text's tokens] in panels
    AlignedFloats packed_value;  // [text's tokens, head_size] in panels
    AlignedFloats scores;        // [query rows of a block, text's tokens]
  };
  std::vector<Attention> attention;
};

class WorkspacePool {
 public:
  // A workspace that nobody else has, until the lease ends. Safe to call from many threads.
  class Lease {
   public:
    explicit Lease(WorkspacePool& pool) : pool_(pool), workspace_(pool.take()) {}
    ~Lease() { pool_.give_back(std::move(workspace_)); }
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    Workspace& operator*() { return *workspace_; }

   private:
    WorkspacePool& pool_;
    std::unique_ptr<Workspace> workspace_;
  };

 private:
  std::unique_ptr<Workspace> take() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<Workspace>();
    auto workspace = std::move(idle_.back());
    idle_.pop_back();
    return workspace;
  }
  void give_back(std::unique_ptr<Workspace> workspace) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(workspace));
  }

  std::mutex mutex_;
  std::vector<std::unique_ptr<Workspace>> idle_;
};

}  // namespace filbert
