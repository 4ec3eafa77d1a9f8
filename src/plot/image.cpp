#include "instructme/plot/image.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "font.h"
#include "instructme/base/error.h"
#include "instructme/base/files.h"

namespace instructme {
namespace {

constexpr int kLongestSide = 32768;

size_t byte_count(int width, int height) {
  return size_t{3} * static_cast<size_t>(width) * static_cast<size_t>(height);
}

/// Cuts the segment to the box [left, right] x [top, bottom] (Liang and Barsky); false when none is left.
bool clip_segment(double left, double top, double right, double bottom, double& x0, double& y0, double& x1,
                  double& y1) {
  const double dx = x1 - x0, dy = y1 - y0;
  double enter = 0, leave = 1;
  const double steps[4] = {-dx, dx, -dy, dy};
  const double room[4] = {x0 - left, right - x0, y0 - top, bottom - y0};
  for (int side = 0; side < 4; ++side) {
    if (steps[side] == 0) {
      if (room[side] < 0) return false;
      continue;
    }
    const double at = room[side] / steps[side];
    if (steps[side] < 0)
      enter = std::max(enter, at);
    else
      leave = std::min(leave, at);
  }
  if (enter > leave) return false;
  x1 = x0 + leave * dx;
  y1 = y0 + leave * dy;
  x0 += enter * dx;
  y0 += enter * dy;
  return true;
}

}  // namespace

Image::Image(int image_width, int image_height, Colour fill) : width(image_width), height(image_height) {
  ensure(width >= 1 && height >= 1 && width <= kLongestSide && height <= kLongestSide,
         "an image must have between 1 and 32768 pixels a side, " + std::to_string(width) + " by " +
             std::to_string(height) + " was asked for");
  rgb.resize(byte_count(width, height));
  fill_rectangle(*this, 0, 0, width, height, fill);
}

Colour Image::at(int x, int y) const {
  ensure(contains(x, y), "a pixel outside the image was asked for");
  const size_t i = byte_count(width, y) + size_t{3} * static_cast<size_t>(x);
  return {rgb[i], rgb[i + 1], rgb[i + 2]};
}

void Image::set(int x, int y, Colour colour) {
  if (!contains(x, y)) return;
  const size_t i = byte_count(width, y) + size_t{3} * static_cast<size_t>(x);
  rgb[i] = colour.r;
  rgb[i + 1] = colour.g;
  rgb[i + 2] = colour.b;
}

void Image::blend(int x, int y, Colour colour, double opacity) {
  if (!contains(x, y) || !(opacity > 0)) return;
  const double share = std::min(opacity, 1.0);
  const Colour under = at(x, y);
  const auto mix = [share](uint8_t below, uint8_t above) {
    return static_cast<uint8_t>(std::lround(below + share * (above - below)));
  };
  set(x, y, {mix(under.r, colour.r), mix(under.g, colour.g), mix(under.b, colour.b)});
}

void draw_line(Image& image, double x0, double y0, double x1, double y1, Colour colour, double thickness) {
  if (!std::isfinite(x0 + y0 + x1 + y1)) return;
  const double half = 0.5 * thickness;
  const double margin = half + 1;
  if (!clip_segment(-margin, -margin, image.width + margin, image.height + margin, x0, y0, x1, y1)) return;
  const double dx = x1 - x0, dy = y1 - y0;
  const double squared = dx * dx + dy * dy;
  const bool steep = std::abs(dy) > std::abs(dx);
  const double main0 = steep ? y0 : x0, main1 = steep ? y1 : x1;
  const double cross0 = steep ? x0 : y0, cross1 = steep ? x1 : y1;
  const double slope = main1 == main0 ? 0 : (cross1 - cross0) / (main1 - main0);
  // Across the main direction the line covers at most sqrt(2) times its thickness.
  const double reach = std::numbers::sqrt2 * (half + 1);
  const int first = static_cast<int>(std::floor(std::min(main0, main1) - margin));
  const int last = static_cast<int>(std::ceil(std::max(main0, main1) + margin));
  for (int m = first; m <= last; ++m) {
    const double along = std::clamp<double>(m, std::min(main0, main1), std::max(main0, main1));
    const double centre = cross0 + slope * (along - main0);
    for (int c = static_cast<int>(std::floor(centre - reach)); c <= static_cast<int>(std::ceil(centre + reach)); ++c) {
      const double px = steep ? c : m, py = steep ? m : c;
      const double t = squared > 0 ? std::clamp(((px - x0) * dx + (py - y0) * dy) / squared, 0.0, 1.0) : 0.0;
      const double distance = std::hypot(px - x0 - t * dx, py - y0 - t * dy);
      image.blend(static_cast<int>(px), static_cast<int>(py), colour, half + 0.5 - distance);
    }
  }
}

void fill_rectangle(Image& image, int x, int y, int width, int height, Colour colour) {
  for (int row = std::max(0, y); row < std::min(image.height, y + height); ++row)
    for (int column = std::max(0, x); column < std::min(image.width, x + width); ++column)
      image.set(column, row, colour);
}

void draw_rectangle(Image& image, int x, int y, int width, int height, Colour colour) {
  fill_rectangle(image, x, y, width, 1, colour);
  fill_rectangle(image, x, y + height - 1, width, 1, colour);
  fill_rectangle(image, x, y, 1, height, colour);
  fill_rectangle(image, x + width - 1, y, 1, height, colour);
}

void draw_disc(Image& image, double x, double y, double radius, Colour colour) {
  if (!std::isfinite(x + y)) return;
  if (x < -radius || y < -radius || x > image.width + radius || y > image.height + radius) return;
  const int reach = static_cast<int>(std::ceil(radius)) + 1;
  const int cx = static_cast<int>(std::lround(x)), cy = static_cast<int>(std::lround(y));
  for (int row = cy - reach; row <= cy + reach; ++row)
    for (int column = cx - reach; column <= cx + reach; ++column)
      image.blend(column, row, colour, radius + 0.5 - std::hypot(column - x, row - y));
}

void draw_text(Image& image, int x, int y, std::string_view text, Colour colour, int scale, TextDirection direction) {
  int offset = 0;
  for (const char c : to_ascii(text)) {
    const Glyph& rows = glyph(c);
    for (int row = 0; row < kGlyphRows; ++row)
      for (int column = 0; column < kGlyphWidth; ++column) {
        if ((rows[static_cast<size_t>(row)] >> (kGlyphWidth - 1 - column) & 1) == 0) continue;
        const int right = offset + column * scale, down = row * scale;
        if (direction == TextDirection::kRight)
          fill_rectangle(image, x + right, y + down, scale, scale, colour);
        else
          fill_rectangle(image, x + down, y - right - scale + 1, scale, scale, colour);
      }
    offset += kGlyphAdvance * scale;
  }
}

int text_width(std::string_view text, int scale) {
  const int letters = static_cast<int>(to_ascii(text).size());
  return letters == 0 ? 0 : scale * (letters * kGlyphAdvance - (kGlyphAdvance - kGlyphWidth));
}

int text_height(int scale) { return kCapitalRows * scale; }

Image stack_vertically(const std::vector<Image>& images, Colour fill) {
  ensure(!images.empty(), "there is no image to stack");
  int width = 0, height = 0;
  for (const Image& image : images) {
    width = std::max(width, image.width);
    height += image.height;
  }
  Image out(width, height, fill);
  int top = 0;
  for (const Image& image : images) {
    for (int row = 0; row < image.height; ++row)
      std::copy_n(image.rgb.begin() + static_cast<ptrdiff_t>(byte_count(image.width, row)), 3 * image.width,
                  out.rgb.begin() + static_cast<ptrdiff_t>(byte_count(width, top + row)));
    top += image.height;
  }
  return out;
}

}  // namespace instructme
