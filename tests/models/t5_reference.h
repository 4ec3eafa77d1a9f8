#pragma once

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "instructme/models/t5_encoder.h"

namespace instructme {

/// A matrix in double precision, row by row.
struct Matrix {
  Matrix(size_t row_count, size_t column_count) : rows(row_count), columns(column_count), values(rows * columns) {}
  double& at(size_t row, size_t column) { return values.at(row * columns + column); }
  double at(size_t row, size_t column) const { return values.at(row * columns + column); }

  size_t rows, columns;
  std::vector<double> values;
};

/// T5's encoder written down a second time, directly from the publication and without torch: plain
/// loops over one sentence in double precision. Weights under the published names; vectors are matrices
/// with one row.
class T5Reference {
 public:
  T5Reference(const T5EncoderOptions& model_options, const std::map<std::string, Matrix>& weights)
      : options(model_options), weights_(weights) {}

  /// Embeddings (L, D) of one sentence whose first `tokens` ids are not padding.
  Matrix encode(const std::vector<int64_t>& ids, size_t tokens) const {
    Matrix x(ids.size(), static_cast<size_t>(options.d_model));
    for (size_t l = 0; l < x.rows; ++l)
      for (size_t d = 0; d < x.columns; ++d) x.at(l, d) = weight("shared.weight").at(static_cast<size_t>(ids[l]), d);
    for (int64_t i = 0; i < options.num_layers; ++i) {
      const std::string block = "encoder.block." + std::to_string(i) + ".layer.";
      add(x, attention(norm(x, weight(block + "0.layer_norm.weight")), block + "0.SelfAttention.", tokens));
      add(x, feed_forward(norm(x, weight(block + "1.layer_norm.weight")), block + "1.DenseReluDense."));
    }
    return norm(x, weight("encoder.final_layer_norm.weight"));
  }

  /// Bucket by comparing with the bucket boundaries, exact * (max / exact)^(k / (half - exact)).
  size_t bucket(int64_t distance) const {
    const int64_t half = options.relative_attention_num_buckets / 2, exact = half / 2;
    const int64_t far = std::abs(distance);
    int64_t index = std::min(far, exact);
    if (far >= exact)
      for (int64_t k = 1; k < half - exact; ++k)
        if (static_cast<double>(far) >=
            static_cast<double>(exact) *
                std::pow(static_cast<double>(options.relative_attention_max_distance) / static_cast<double>(exact),
                         static_cast<double>(k) / static_cast<double>(half - exact)))
          ++index;
    return static_cast<size_t>(index + (distance > 0 ? half : 0));
  }

 private:
  const Matrix& weight(const std::string& name) const { return weights_.at(name); }

  static void add(Matrix& x, const Matrix& y) {
    for (size_t i = 0; i < x.values.size(); ++i) x.values[i] += y.values.at(i);
  }

  Matrix norm(const Matrix& x, const Matrix& scale) const {
    Matrix y(x.rows, x.columns);
    for (size_t l = 0; l < x.rows; ++l) {
      double squares = 0;
      for (size_t d = 0; d < x.columns; ++d) squares += x.at(l, d) * x.at(l, d);
      const double rms = std::sqrt(squares / static_cast<double>(x.columns) + options.layer_norm_epsilon);
      for (size_t d = 0; d < x.columns; ++d) y.at(l, d) = x.at(l, d) / rms * scale.at(0, d);
    }
    return y;
  }

  /// x W^T.
  Matrix project(const Matrix& x, const Matrix& w) const {
    Matrix y(x.rows, w.rows);
    for (size_t l = 0; l < x.rows; ++l)
      for (size_t o = 0; o < w.rows; ++o)
        for (size_t i = 0; i < w.columns; ++i) y.at(l, o) += x.at(l, i) * w.at(o, i);
    return y;
  }

  Matrix attention(const Matrix& x, const std::string& name, size_t tokens) const {
    const Matrix q = project(x, weight(name + "q.weight")), k = project(x, weight(name + "k.weight")),
                 v = project(x, weight(name + "v.weight"));
    const Matrix& positions = weight("encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight");
    const auto size = static_cast<size_t>(options.d_kv);
    Matrix mixed(x.rows, q.columns);
    for (size_t head = 0; head < static_cast<size_t>(options.num_heads); ++head)
      for (size_t query = 0; query < x.rows; ++query) {
        std::vector<double> powers(tokens);
        double sum = 0;
        for (size_t key = 0; key < tokens; ++key) {
          double score = positions.at(bucket(static_cast<int64_t>(key) - static_cast<int64_t>(query)), head);
          for (size_t d = head * size; d < (head + 1) * size; ++d) score += q.at(query, d) * k.at(key, d);
          sum += powers[key] = std::exp(score);
        }
        for (size_t key = 0; key < tokens; ++key)
          for (size_t d = head * size; d < (head + 1) * size; ++d)
            mixed.at(query, d) += powers[key] / sum * v.at(key, d);
      }
    return project(mixed, weight(name + "o.weight"));
  }

  Matrix feed_forward(const Matrix& x, const std::string& name) const {
    Matrix hidden = project(x, weight(name + (options.gated ? "wi_0.weight" : "wi.weight")));
    for (double& h : hidden.values)
      h = options.gated ? 0.5 * h * (1 + std::tanh(std::sqrt(2 / M_PI) * (h + 0.044715 * h * h * h)))
                        : std::max(h, 0.0);
    if (options.gated) {
      const Matrix gate = project(x, weight(name + "wi_1.weight"));
      for (size_t i = 0; i < hidden.values.size(); ++i) hidden.values[i] *= gate.values.at(i);
    }
    return project(hidden, weight(name + "wo.weight"));
  }

  const T5EncoderOptions options;
  const std::map<std::string, Matrix>& weights_;
};

}  // namespace instructme
