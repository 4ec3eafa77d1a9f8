#include "instructme/nn/chunk.h"

#include <torch/torch.h>

#include "instructme/base/error.h"

namespace instructme {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

void check_chunk(int64_t chunk) {
  ensure(chunk >= 2 && chunk % 2 == 0,
         "a chunk must be an even number of frames, at least 2, but is " + std::to_string(chunk));
}

// Splitting without an explicit padded copy: both copies of every half chunk are written straight into
// `chunks` (N, M, K, ...), whatever its strides, and only what lies outside the sequence is zeroed.
void split_into(const at::Tensor& x, const at::Tensor& chunks) {
  const int64_t frames = x.size(1);
  const int64_t half = chunks.size(2) / 2;
  const int64_t count = chunks.size(1);
  const int64_t full = frames / half;
  const int64_t rest = frames % half;
  chunks.select(1, 0).narrow(1, 0, half).zero_();
  chunks.select(1, count - 1).narrow(1, half, half).zero_();
  if (full > 0) {
    const at::Tensor blocks = x.narrow(1, 0, full * half).unflatten(1, {full, half});
    chunks.narrow(1, 1, full).narrow(2, 0, half).copy_(blocks);
    chunks.narrow(1, 0, full).narrow(2, half, half).copy_(blocks);
  }
  if (rest > 0) {
    const at::Tensor tail = x.narrow(1, full * half, rest);
    chunks.select(1, full + 1).narrow(1, 0, rest).copy_(tail);
    chunks.select(1, full + 1).narrow(1, rest, half - rest).zero_();
    chunks.select(1, full).narrow(1, half, rest).copy_(tail);
    chunks.select(1, full).narrow(1, half + rest, half - rest).zero_();
  }
}

// The transpose of split_into, times `scale`: the two copies of every frame are added.
void overlap_add_into(const at::Tensor& chunks, const at::Tensor& x, double scale) {
  const int64_t frames = x.size(1);
  const int64_t half = chunks.size(2) / 2;
  const int64_t full = frames / half;
  const int64_t rest = frames % half;
  if (full > 0) {
    at::Tensor blocks = x.narrow(1, 0, full * half).unflatten(1, {full, half});
    at::add_out(blocks, chunks.narrow(1, 1, full).narrow(2, 0, half), chunks.narrow(1, 0, full).narrow(2, half, half));
  }
  if (rest > 0) {
    at::Tensor tail = x.narrow(1, full * half, rest);
    at::add_out(tail, chunks.select(1, full + 1).narrow(1, 0, rest), chunks.select(1, full).narrow(1, half, rest));
  }
  if (scale != 1.0) x.mul_(scale);
}

std::vector<int64_t> with_frames(at::IntArrayRef sizes, size_t from, std::initializer_list<int64_t> frames) {
  std::vector<int64_t> result{sizes[0]};
  result.insert(result.end(), frames);
  result.insert(result.end(), sizes.begin() + static_cast<std::ptrdiff_t>(from), sizes.end());
  return result;
}

// Part p of (N, T, P * H * D) as (N, T, H, D), and (N, M, H, K, D) as (N, M, K, H, D); views.
at::Tensor frame_view(const at::Tensor& x, int64_t parts, int64_t part, int64_t heads) {
  return x.view({x.size(0), x.size(1), parts, heads, x.size(2) / (parts * heads)}).select(2, part);
}
at::Tensor chunk_view(const at::Tensor& heads) { return heads.transpose(2, 3); }

struct Split : torch::autograd::Function<Split> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, int64_t chunk) {
    context->saved_data["frames"] = x.size(1);
    at::Tensor chunks = at::empty(with_frames(x.sizes(), 2, {chunk_count(x.size(1), chunk), chunk}), x.options());
    split_into(x, chunks);
    return chunks;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const int64_t frames = context->saved_data["frames"].toInt();
    at::Tensor x = at::empty(with_frames(gradients[0].sizes(), 3, {frames}), gradients[0].options());
    overlap_add_into(gradients[0], x, 1.0);
    return {x, at::Tensor()};
  }
};

struct Fuse : torch::autograd::Function<Fuse> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& chunks, int64_t frames) {
    context->saved_data["chunk"] = chunks.size(2);
    at::Tensor x = at::empty(with_frames(chunks.sizes(), 3, {frames}), chunks.options());
    overlap_add_into(chunks, x, 0.5);
    return x;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const int64_t chunk = context->saved_data["chunk"].toInt();
    const at::Tensor half = gradients[0] * 0.5;
    at::Tensor chunks =
        at::empty(with_frames(half.sizes(), 2, {chunk_count(half.size(1), chunk), chunk}), half.options());
    split_into(half, chunks);
    return {chunks, at::Tensor()};
  }
};

struct SplitHeads : torch::autograd::Function<SplitHeads> {
  static variable_list forward(AutogradContext* context, const at::Tensor& x, int64_t parts, int64_t heads,
                               int64_t chunk) {
    context->saved_data["frames"] = x.size(1);
    const at::Tensor frames = x.contiguous();
    variable_list result;
    for (int64_t part = 0; part < parts; ++part) {
      const at::Tensor view = frame_view(frames, parts, part, heads);
      result.push_back(at::empty({x.size(0), chunk_count(x.size(1), chunk), heads, chunk, view.size(3)}, x.options()));
      split_into(view, chunk_view(result.back()));
    }
    return result;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const int64_t parts = static_cast<int64_t>(gradients.size());
    const int64_t heads = gradients[0].size(2);
    at::Tensor x =
        at::empty({gradients[0].size(0), context->saved_data["frames"].toInt(), parts * heads * gradients[0].size(4)},
                  gradients[0].options());
    for (int64_t part = 0; part < parts; ++part)
      overlap_add_into(chunk_view(gradients[static_cast<size_t>(part)]), frame_view(x, parts, part, heads), 1.0);
    return {x, at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

struct FuseHeads : torch::autograd::Function<FuseHeads> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& chunks, int64_t frames) {
    const int64_t heads = chunks.size(2);
    context->saved_data["chunk"] = chunks.size(3);
    context->saved_data["heads"] = heads;
    at::Tensor x = at::empty({chunks.size(0), frames, heads * chunks.size(4)}, chunks.options());
    overlap_add_into(chunk_view(chunks), frame_view(x, 1, 0, heads), 0.5);
    return x;
  }
  static variable_list backward(AutogradContext* context, variable_list gradients) {
    const int64_t chunk = context->saved_data["chunk"].toInt();
    const int64_t heads = context->saved_data["heads"].toInt();
    const at::Tensor half = (gradients[0] * 0.5).contiguous();
    const at::Tensor frames = frame_view(half, 1, 0, heads);
    at::Tensor chunks =
        at::empty({half.size(0), chunk_count(half.size(1), chunk), heads, chunk, frames.size(3)}, half.options());
    split_into(frames, chunk_view(chunks));
    return {chunks, at::Tensor()};
  }
};

}  // namespace

int64_t chunk_count(int64_t frames, int64_t chunk) {
  check_chunk(chunk);
  const int64_t half = chunk / 2;
  return (frames + half - 1) / half + 1;
}

at::Tensor split_chunks(const at::Tensor& x, int64_t chunk) {
  check_chunk(chunk);
  return Split::apply(x, chunk);
}

at::Tensor fuse_chunks(const at::Tensor& chunks, int64_t frames) {
  ensure(chunk_count(frames, chunks.size(2)) == chunks.size(1), "there are " + std::to_string(chunks.size(1)) +
                                                                    " chunks, which do not belong to " +
                                                                    std::to_string(frames) + " frames");
  return Fuse::apply(chunks, frames);
}

at::Tensor chunk_mask(int64_t frames, int64_t chunk, at::Device device) {
  const int64_t count = chunk_count(frames, chunk);
  const auto integers = at::TensorOptions().dtype(at::kLong).device(device);
  const at::Tensor start = (at::arange(count, integers) - 1).mul_(chunk / 2).unsqueeze(1);
  const at::Tensor frame = start + at::arange(chunk, integers);
  return frame.ge(0).logical_and_(frame.lt(frames));
}

std::vector<at::Tensor> split_chunk_heads(const at::Tensor& x, int64_t parts, int64_t heads, int64_t chunk) {
  check_chunk(chunk);
  ensure(x.dim() == 3 && x.size(2) % (parts * heads) == 0, "channels must be a multiple of parts times heads");
  return SplitHeads::apply(x, parts, heads, chunk);
}

at::Tensor fuse_chunk_heads(const at::Tensor& chunks, int64_t frames) {
  ensure(chunk_count(frames, chunks.size(3)) == chunks.size(1), "the chunks do not belong to that many frames");
  return FuseHeads::apply(chunks, frames);
}

}  // namespace instructme
