#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace instructme {

// Chunks of K frames with 50 % overlap (InstructME, section 3.1; Fig. 3 right). Half a chunk of zeros
// stands before the first and after the last frame, so that every frame lies in exactly two chunks:
// chunk m holds the frames [(m - 1) K/2, (m + 1) K/2). N batch, T frames, M chunks, "..." any further
// dimensions. All are differentiable once and thread-safe. Throw kInternal when K is odd or below 2.

/// M = ceil(T / (K/2)) + 1.
int64_t chunk_count(int64_t frames, int64_t chunk);

/// x (N, T, ...) -> (N, M, K, ...), contiguous; frames outside [0, T) are zero.
at::Tensor split_chunks(const at::Tensor& x, int64_t chunk);

/// Overlap-add scaled by 1/2, the inverse of split_chunks.  chunks (N, M, K, ...) -> (N, T, ...).
at::Tensor fuse_chunks(const at::Tensor& chunks, int64_t frames);

/// Which positions of the chunks are frames of the sequence: (M, K), bool.
at::Tensor chunk_mask(int64_t frames, int64_t chunk, at::Device device = at::kCPU);

/// split_chunks straight into the layout of attention: x (N, T, P * H * D), P parts (such as query, key
/// and value) of H heads -> P tensors (N, M, H, K, D), contiguous.
std::vector<at::Tensor> split_chunk_heads(const at::Tensor& x, int64_t parts, int64_t heads, int64_t chunk);

/// fuse_chunks straight from the layout of attention: (N, M, H, K, D) -> (N, T, H * D).
at::Tensor fuse_chunk_heads(const at::Tensor& chunks, int64_t frames);

}  // namespace instructme
