#include "instructme/pretrained/yamnet.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "instructme/audio/resample.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"
#include "instructme/base/strings.h"
#include "instructme/tensorfile/tflite.h"
#include "instructme/torchx/tensor_view.h"

namespace instructme {
namespace yamnet {

// A namespace with a name, because a member of Yamnet is made of these.
constexpr int64_t kFrameWindow = 400, kFrameHop = 160, kFft = 512;
// Of the 13 pairs of depthwise and pointwise convolutions.
constexpr std::array<int64_t, 13> kStrides = {1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1};

struct Layer {
  at::Tensor weight, bias;
};

[[noreturn]] void refuse(const std::filesystem::path& path, const std::string& what) {
  throw Error(ErrorKind::kModel, path.string() + " does not hold YAMNet: " + what + "; wanted its yamnet.tflite");
}

/// Takes the constants of a graph out in the order of its operations.
class GraphReader {
 public:
  explicit GraphReader(const std::filesystem::path& path) : path_(path), file_(path) {}

  /// Weight and bias of all operations of one kind, in float.
  std::vector<Layer> layers(TfliteOp kind) const {
    std::vector<Layer> found;
    for (const TfliteOperator& op : file_.operators())
      if (op.op == kind && op.inputs.size() >= 2 && op.inputs[1] >= 0)
        found.push_back({constant(op.inputs[1]),
                         op.inputs.size() > 2 && op.inputs[2] >= 0 ? constant(op.inputs[2]) : at::Tensor()});
    return found;
  }

  /// The only constant of this shape.
  at::Tensor constant_of(const std::vector<int64_t>& shape) const {
    for (size_t i = 0; i < file_.tensors().size(); ++i)
      if (file_.tensors()[i].values.shape == shape && !file_.tensors()[i].values.bytes.empty())
        return constant(static_cast<int>(i));
    refuse(path_, "its window is missing");
  }

 private:
  at::Tensor constant(int index) const {
    const TfliteTensor* tensor = &file_.tensors().at(static_cast<size_t>(index));
    if (tensor->values.bytes.empty())
      for (const TfliteOperator& op : file_.operators())
        if (op.op == TfliteOp::kDequantize && !op.inputs.empty() && op.inputs[0] >= 0 &&
            op.outputs == std::vector<int>{index})
          tensor = &file_.tensors()[static_cast<size_t>(op.inputs[0])];
    if (tensor->values.bytes.empty() || tensor->per_channel)
      refuse(path_, "'" + tensor->name + "' is no constant with one scale");
    const at::Tensor stored = copy_of(tensor->values);
    if (tensor->values.dtype == DType::kF32) return stored;
    return (stored.to(at::kFloat) - tensor->zero_point) * tensor->scale;
  }

  const std::filesystem::path& path_;
  TfliteFile file_;
};

// TensorFlow's "same": as much at the end as needed, the odd one last.
at::Tensor convolve(const at::Tensor& x, const Layer& layer, int64_t stride, int64_t groups) {
  const int64_t padding = stride == 1 ? layer.weight.size(2) / 2 : 0;
  const at::Tensor padded = stride == 1 ? x : at::constant_pad_nd(x, {0, 1, 0, 1});
  return at::conv2d(padded, layer.weight, layer.bias, stride, padding, 1, groups).relu_();
}

}  // namespace yamnet

using namespace yamnet;

struct Yamnet::Weights {
  explicit Weights(const std::filesystem::path& path) {
    const GraphReader graph(path);
    const std::vector<Layer> products = graph.layers(TfliteOp::kFullyConnected);
    std::vector<Layer> full = graph.layers(TfliteOp::kConv2d), depthwise = graph.layers(TfliteOp::kDepthwiseConv2d);
    if (products.size() != 4 || full.size() != kStrides.size() + 1 || depthwise.size() != kStrides.size())
      refuse(path, format("it has %zu products, %zu convolutions and %zu depthwise ones", products.size(), full.size(),
                          depthwise.size()));
    cosine = products[0].weight;
    sine = products[1].weight;
    mel = products[2];
    classes = products[3];
    const auto expect = [&](const at::Tensor& tensor, const std::vector<int64_t>& shape) {
      if (!tensor.defined() || tensor.sizes() != shape) refuse(path, "a matrix has another shape");
    };
    expect(cosine, {kFft / 2 + 1, kFft});
    expect(sine, {kFft / 2 + 1, kFft});
    expect(mel.weight, {kBands, kFft / 2 + 1});
    expect(mel.bias, {kBands});
    expect(classes.weight, {kClasses, kEmbedding});
    expect(classes.bias, {kClasses});
    window = graph.constant_of({1, kFrameWindow});
    // (out, height, width, in) -> (out, in, height, width); depthwise (1, height, width, channels) -> (channels, 1, …)
    int64_t channels = 1;
    for (size_t i = 0; i < full.size(); ++i) {
      if (i > 0) {
        expect(depthwise[i - 1].weight, {1, 3, 3, channels});
        expect(depthwise[i - 1].bias, {channels});
        depthwise[i - 1].weight = depthwise[i - 1].weight.permute({3, 0, 1, 2}).contiguous();
      }
      const int64_t side = i == 0 ? 3 : 1, out = full[i].weight.size(0);
      expect(full[i].weight, {out, side, side, channels});
      expect(full[i].bias, {out});
      full[i].weight = full[i].weight.permute({0, 3, 1, 2}).contiguous();
      channels = out;
    }
    if (channels != kEmbedding) refuse(path, "its last layer has another width");
    convolutions = full;
    depthwise_convolutions = depthwise;
  }

  at::Tensor window, cosine, sine;
  Layer mel, classes;
  std::vector<Layer> convolutions, depthwise_convolutions;
};

Yamnet::Yamnet(const std::filesystem::path& path) : weights_(std::make_unique<Weights>(path)) {}
Yamnet::~Yamnet() = default;
Yamnet::Yamnet(Yamnet&&) noexcept = default;

Yamnet::Output Yamnet::forward(const at::Tensor& patches) const {
  ensure(patches.dim() == 2 && patches.size(1) == kPatch && patches.scalar_type() == at::kFloat,
         "YAMNet takes float patches of shape (N, 15600)");
  const at::NoGradGuard no_grad;
  const at::Tensor frames =
      at::constant_pad_nd(patches.unfold(1, kFrameWindow, kFrameHop) * weights_->window, {0, kFft - kFrameWindow});
  const at::Tensor magnitude =
      (frames.matmul(weights_->cosine.t()).square() + frames.matmul(weights_->sine.t()).square()).sqrt();
  // The bias is the offset that keeps the logarithm finite.
  const at::Tensor log_mel = (magnitude.matmul(weights_->mel.weight.t()) + weights_->mel.bias).log();  // (N, 96, 64)
  at::Tensor x = convolve(log_mel.unsqueeze(1), weights_->convolutions[0], 2, 1);
  for (size_t i = 0; i < kStrides.size(); ++i) {
    x = convolve(x, weights_->depthwise_convolutions[i], kStrides[i], x.size(1));
    x = convolve(x, weights_->convolutions[i + 1], 1, 1);
  }
  const at::Tensor embedding = x.mean({2, 3});
  const at::Tensor scores = (embedding.matmul(weights_->classes.weight.t()) + weights_->classes.bias).sigmoid();
  return {log_mel, embedding, scores};
}

Yamnet::Output Yamnet::listen(std::span<const float> mono, int sample_rate) const {
  ensure(!mono.empty() && sample_rate > 0, "YAMNet listens to one sample or more");
  constexpr int64_t kBatch = 32;
  std::vector<float> samples = resample(mono, sample_rate, kSampleRate);
  const auto length = static_cast<int64_t>(samples.size());
  const int64_t patches = std::max<int64_t>(0, (length - kPatch + kPatchStep - 1) / kPatchStep) + 1;
  samples.resize(static_cast<size_t>((patches - 1) * kPatchStep + kPatch), 0.0f);
  const at::Tensor all =
      at::from_blob(samples.data(), {static_cast<int64_t>(samples.size())}, at::kFloat).unfold(0, kPatch, kPatchStep);
  std::vector<at::Tensor> embeddings, scores;
  for (int64_t first = 0; first < patches; first += kBatch) {
    const Output output = forward(all.slice(0, first, std::min(patches, first + kBatch)).contiguous());
    embeddings.push_back(output.embedding);
    scores.push_back(output.scores);
  }
  return {at::Tensor(), at::cat(embeddings), at::cat(scores)};
}

std::vector<std::string> read_yamnet_classes(const std::filesystem::path& path) {
  std::vector<std::string> names;
  std::istringstream text(read_text_file(path));
  std::string line;
  std::getline(text, line);
  while (std::getline(text, line)) {
    line = trim(line);
    const size_t comma = line.find(',', line.find(',') + 1);
    if (line.empty() || comma == std::string::npos) continue;
    std::string name = line.substr(comma + 1);
    if (name.size() > 1 && name.front() == '"' && name.back() == '"') name = name.substr(1, name.size() - 2);
    names.push_back(name);
  }
  if (names.size() != static_cast<size_t>(Yamnet::kClasses))
    throw Error(ErrorKind::kModel,
                format("%s names %zu classes, wanted the %lld of yamnet_class_map.csv", path.string().c_str(),
                       names.size(), static_cast<long long>(Yamnet::kClasses)));
  return names;
}

}  // namespace instructme
